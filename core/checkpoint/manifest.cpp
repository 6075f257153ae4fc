#include "core/checkpoint/manifest.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "berth/error.h"
#include "core/checkpoint/run_checkpoint.h"
#include "core/model/json_text.h"
#include "core/platform/sha256.h"
#include "core/platform/whole_file.h"

namespace berth::checkpoint {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::json;

constexpr int kFormat = 1;

// {"bytes": ..., "sha256": ...}
Json entry_of(const fs::path& file) {
  const auto hash = platform::sha256_of(file);
  return {{"bytes", hash.bytes}, {"sha256", hash.hex}};
}

// By their paths below the folder, in order.
std::map<std::string, fs::path> files_of(const fs::path& folder) {
  std::map<std::string, fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_directory()) continue;
    files.emplace(entry.path().lexically_relative(folder).generic_string(), entry.path());
  }
  return files;
}

// What tells of the run rather than of what was learned: times and scores.
bool is_content(const std::string& file) { return file != kInfoFile && file != kReportFile; }

// files: a JSON object of them by name.
std::string text_of(const Json& files) {
  platform::Sha256 content;
  for (const auto& [name, entry] : files.items()) {
    if (!is_content(name)) continue;
    const auto line = fmt::format("{} {}\n", entry.at("sha256").get<std::string>(), name);
    content.add(line);
  }
  return Json({{"format", kFormat}, {"files", files}, {"content", content.hex()}}).dump(2) + "\n";
}

struct Manifest {
  std::string text;
  Json json;
};

Manifest read_manifest(const fs::path& folder) {
  const auto file = folder / kManifestFile;
  if (!fs::exists(file)) {
    throw Error(ErrorKind::kContent, {folder.string()},
                fmt::format("has no {}: it is no checkpoint, or was not written to its end", kManifestFile));
  }
  Manifest manifest{model::read_text(file), {}};
  manifest.json = model::parse_json(manifest.text, file.string());
  const auto& json = manifest.json;
  const bool is_ours = json.is_object() && json.value("format", Json()) == Json(kFormat) && json.contains("files") &&
                       json["files"].is_object() && json.contains("content") && json["content"].is_string();
  if (!is_ours) throw Error(ErrorKind::kContent, {file.string()}, "is no manifest that this version of berth wrote");
  return manifest;
}

}  // namespace

void write_manifest(const fs::path& folder) {
  Json files = Json::object();
  for (const auto& [name, path] : files_of(folder)) {
    platform::sync(path);
    files[name] = entry_of(path);
  }
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_directory()) platform::sync(entry.path());
  }
  platform::write_text(folder / kManifestFile, text_of(files));
}

void verify(const fs::path& folder, Part part) {
  const auto manifest = read_manifest(folder);
  const auto& expected = manifest.json["files"];
  const auto there = files_of(folder);
  for (const auto& [name, entry] : expected.items()) {
    if (there.contains(name)) continue;
    throw Error(ErrorKind::kContent, {(folder / name).string()}, fmt::format("is missing; {} names it", kManifestFile));
  }
  Json found = Json::object();
  for (const auto& [name, path] : there) {
    if (name == kManifestFile) continue;
    if (!expected.contains(name)) {
      throw Error(ErrorKind::kContent, {path.string()},
                  fmt::format("is none of the files that {} names", kManifestFile));
    }
    const bool is_passed_over = part == Part::kModel && name == kTrainingFile;
    found[name] = is_passed_over ? expected[name] : entry_of(path);
    if (found[name] == expected[name]) continue;
    throw Error(ErrorKind::kContent, {path.string()},
                fmt::format("is not what was written: it is {}, where {} says {}", found[name].dump(), kManifestFile,
                            expected[name].dump()));
  }
  if (part == Part::kAll && text_of(found) != manifest.text) {
    throw Error(ErrorKind::kContent, {(folder / kManifestFile).string()}, "is not what was written");
  }
}

}  // namespace berth::checkpoint
