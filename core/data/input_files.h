// The files of a set: the one that its path names, all that match it where it is a pattern, or standard input. Called
// by plugin::LoadedTask::open().
#pragma once

#include <filesystem>
#include <vector>

#include "core/data/unpack.h"

namespace berth::data {

// path: absolute, or "-". With *, ? or [...] in it, and no file of that very name, it is a pattern: the files that
// match it, by name in the order of bytes ("part-10" before "part-2"); folders don't count, and names that begin with a
// dot only where the pattern's do. Throws Error kIo, with the folder and the nearest names in it, where nothing
// matches. A path that is no pattern is given back, whether a file is there or not.
std::vector<std::filesystem::path> match_files(const std::filesystem::path& path);

// Ready to be opened, unpacked where they were compressed, once a process. Throws what match_files() and
// UnpackedFiles::plain() throw.
std::vector<InputFile> input_files(const std::filesystem::path& path);

}  // namespace berth::data
