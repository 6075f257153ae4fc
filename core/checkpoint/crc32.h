// The CRC-32 of zip archives (that of zlib and of IEEE 802.3). ZipArchive compares with it.
#pragma once

#include <cstdint>
#include <string_view>

namespace berth::checkpoint {

std::uint32_t crc32(std::string_view bytes);

}  // namespace berth::checkpoint
