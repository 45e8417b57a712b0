// oneDNN does not look at what the system answers when it asks for memory for the code that it makes: where
// the address space is narrow (ulimit -v), it would write to address 0.
#pragma once

namespace cdsr::cpu {

/// Throws OutOfMemory unless the system gives as much as oneDNN takes to make a primitive or a few dozens of
/// its small objects. Before each of them.
void check_room_for_onednn();

}  // namespace cdsr::cpu
