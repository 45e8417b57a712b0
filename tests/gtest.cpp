// What cdsr_gtest is made of beside its precompiled header.
