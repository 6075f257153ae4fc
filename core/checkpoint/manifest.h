// What makes a checkpoint one that can be trusted: manifest.json, written last, with the size and SHA-256 of each of
// its other files.
//
//   {"format": 1, "files": {"encoder/config.json": {"bytes": 612, "sha256": "..."}, ...}, "content": "..."}
//
// "content" is one SHA-256 over all of what was learned: equal for runs that are equal, whatever time they took.
#pragma once

#include <cstdint>
#include <filesystem>

namespace berth::checkpoint {

constexpr const char* kManifestFile = "manifest.json";

// Of every file that is there now. Syncs them and their folders. Throws Error kIo.
void write_manifest(const std::filesystem::path& folder);

enum class Part : std::uint8_t {
  kModel,  // all but what training alone needs
  kAll,
};

// Throws Error kContent, naming the file, where one is missing, cut, longer or changed, or where there is no manifest;
// kIo where one can't be read.
void verify(const std::filesystem::path& folder, Part part);

}  // namespace berth::checkpoint
