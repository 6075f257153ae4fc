// What tells two data files apart without reading all of them.
#pragma once

#include <cstdint>
#include <filesystem>

namespace berth::data {

// Of the files of a set, unpacked: how many they are, their sizes, the first and the last megabyte of each. A change in
// the middle that keeps the size is not noticed. Throws what input_files() throws, and Error kIo for a file that can't
// be read.
std::uint64_t file_fingerprint(const std::filesystem::path& path);

}  // namespace berth::data
