// Picture files as they are stored, through FFmpeg's libraries: frames with their depth, grey, alpha and
// colour profile.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tools/media/av.h"

namespace cdsr::tools {

struct PictureFile {
  AvPtr<AVFrame> frame;
  bool has_more = false;  ///< the file holds more pictures than this first one: an animation, pages
};

/// Reads PNG, JPEG, WebP, TIFF, BMP, PNM, GIF and others of FFmpeg's still image formats, recognized by
/// content, not by name; TIFFs that FFmpeg refuses (JPEG inside, YCbCr) by libtiff, where this build has it.
/// The inks of CMYK and YCCK JPEGs as Adobe writes them are multiplied out, without a colour profile. The
/// rotation a camera stored is applied; such a picture is R'G'B' or grey then. A frame that says nothing of
/// its matrix or chroma siting gets those of still pictures: BT.601, centred. Throws Io (cannot be read),
/// Unsupported (not a known image or pixel format). Safe from many threads at once.
PictureFile read_picture_file(const std::filesystem::path& path);

/// Whether the name's ending is one that write_picture_file() knows, and a picture of this size can be
/// written: to refuse before the work is done. Throws InvalidArgument.
void check_picture_name(const std::filesystem::path& path);
void check_picture_size(const std::filesystem::path& path, int width, int height);

/// Writes PNG (lossless; grey or R'G'B', alpha, 8 or 16 bits as the frame has them) or JPEG (quality about
/// 95, 8-bit YUV of full range and BT.601 as it is, all else as 4:4:4) as the name's ending says: .png, .jpg,
/// .jpeg; with the frame's ICC profile. Returns what of the frame the file cannot hold, in words, and is
/// lost. Throws InvalidArgument as the checks above, Io when it cannot be written.
std::vector<std::string> write_picture_file(const std::filesystem::path& path, const AVFrame& frame);

/// The bytes of the JPEG that write_picture_file() would write. `name`: of the picture, for messages.
std::string jpeg_bytes(const AVFrame& frame, const std::string& name);

}  // namespace cdsr::tools
