#include "core/plugin/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include "core/platform/program_path.h"
#include "core/plugin/loader.h"
#include "core/plugin/manifest_reader.h"
#include "core/suite/option_binder.h"

namespace berth::plugin {
namespace {

namespace fs = std::filesystem;

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

// Libraries of a folder by name. Throws Error kIo where it can't be read.
std::vector<fs::path> libraries_in(const fs::path& folder) {
  std::error_code failed;
  std::vector<fs::path> files;
  for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
    if (at->path().extension() == ".so") files.push_back(at->path());
  }
  if (failed) {
    throw Error(ErrorKind::kIo, Where{folder.string()},
                fmt::format("the folder of plugins can't be read: {}; correct --plugin-path or BERTH_PLUGIN_PATH",
                            failed.message()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Where the program's own plugins lie: beside it where it was built, in lib/ where it is installed.
std::vector<fs::path> own_folders() {
  const auto program = platform::program_path();
  if (program.empty()) return {};
  return {program.parent_path() / "plugins", (program.parent_path() / "../lib/berth/plugins").lexically_normal()};
}

// The file may have been replaced since it was looked at.
std::string judge_again(const PluginInfo& plugin) {
  const auto read = read_manifest(plugin.path);
  if (const auto* refusal = std::get_if<Refusal>(&read)) return refusal->reason;
  const auto& manifest = std::get<Manifest>(read);
  if (manifest.id != plugin.id) return fmt::format("has just been replaced by plugin '{}'; run again", manifest.id);
  return judge_manifest(manifest, host_manifest());
}

std::string join(const std::vector<fs::path>& paths) {
  std::string text;
  for (const auto& path : paths) text += (text.empty() ? "" : ", ") + path.string();
  return text;
}

}  // namespace

void warn_on_stderr(const std::string& line) { std::fprintf(stderr, "berth: warning: %s\n", line.c_str()); }

std::vector<fs::path> search_folders(const std::vector<fs::path>& paths) {
  std::vector<fs::path> folders;
  const auto add = [&folders](const fs::path& folder) {
    auto path = fs::absolute(folder).lexically_normal();
    if (!path.has_filename() && path.has_relative_path()) path = path.parent_path();
    if (std::find(folders.begin(), folders.end(), path) == folders.end()) folders.push_back(path);
  };
  const auto add_existing = [&add](const fs::path& folder) {
    if (is_folder(folder)) add(folder);
  };
  for (const auto& path : paths) add(path);
  if (const char* variable = std::getenv("BERTH_PLUGIN_PATH")) {
    const std::string list = variable;
    for (std::size_t begin = 0; begin <= list.size();) {
      const auto end = std::min(list.find(':', begin), list.size());
      if (end > begin) add_existing(list.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  for (const auto& folder : own_folders()) add_existing(folder);
  return folders;
}

Registry::Registry(const std::vector<fs::path>& paths, Warn warn, TryToLoad try_to_load)
    : folders_(search_folders(paths)), warn_(std::move(warn)), try_to_load_(std::move(try_to_load)) {
  for (const auto& folder : folders_) {
    for (const auto& file : libraries_in(folder)) look_at(file);
  }
}

void Registry::look_at(const fs::path& file) {
  const auto read = read_manifest(file);
  if (const auto* refusal = std::get_if<Refusal>(&read)) {
    refused_.push_back({file.stem().string(), file, "the file " + refusal->reason});
    return;
  }
  const auto& manifest = std::get<Manifest>(read);
  const auto refuse = [&](const std::string& reason) {
    refused_.push_back({manifest.id, file, fmt::format("plugin '{}' {}", manifest.id, reason)});
  };
  if (const auto reason = judge_manifest(manifest, host_manifest()); !reason.empty()) return refuse(reason);
  for (const auto& other : plugins_) {
    if (other.id == manifest.id) {
      return refuse(fmt::format("has the id of {}, which was found first; remove one of them", other.path.string()));
    }
  }
  plugins_.push_back({manifest.id, manifest.version, manifest.summary, built_for(manifest), file});
}

std::string Registry::file_of(const std::string& id) const {
  const auto found =
      std::find_if(plugins_.begin(), plugins_.end(), [&](const PluginInfo& plugin) { return plugin.id == id; });
  return found == plugins_.end() ? "" : found->path.string();
}

std::unique_ptr<Task> Registry::create(const std::string& id, const Where& where) const {
  const auto has_id = [&id](const auto& plugin) { return plugin.id == id; };
  const auto found = std::find_if(plugins_.begin(), plugins_.end(), has_id);
  if (found == plugins_.end()) refuse_unknown(id, where);

  const auto owner = fmt::format("plugin '{}' ({})", id, found->path.string());
  if (const auto reason = judge_again(*found); !reason.empty()) {
    throw Error(ErrorKind::kPlugin, where, fmt::format("{} {}", owner, reason));
  }
  if (const auto reason = try_library(found->path); !reason.empty()) {
    throw Error(ErrorKind::kPlugin, where, fmt::format("{} {}; berth did not load it", owner, reason));
  }
  auto loaded = load_task(found->path, owner);
  for (const auto& change : loaded.restored) {
    warn_(fmt::format("{} changed {} when it was loaded; berth has put it back", owner, change));
  }
  return std::move(loaded.task);
}

std::string Registry::try_library(const fs::path& file) const {
  if (!try_to_load_) return "";
  const auto folder = file.parent_path();
  for (const auto& own : own_folders()) {
    if (folder == own) return "";
  }
  const auto tried = tried_.find(file);
  if (tried != tried_.end()) return tried->second;
  return tried_[file] = try_to_load_(file);
}

void Registry::try_all() {
  std::erase_if(plugins_, [this](const PluginInfo& plugin) {
    const auto reason = try_library(plugin.path);
    if (!reason.empty()) refused_.push_back({plugin.id, plugin.path, fmt::format("plugin '{}' {}", plugin.id, reason)});
    return !reason.empty();
  });
}

void Registry::refuse_unknown(const std::string& id, const Where& where) const {
  const auto refused = std::find_if(refused_.begin(), refused_.end(), [&id](const auto& p) { return p.id == id; });
  if (refused != refused_.end()) {
    throw Error(ErrorKind::kPlugin, where, fmt::format("{}: {}", refused->path.string(), refused->reason));
  }
  std::vector<std::string> known;
  for (const auto& plugin : plugins_) known.push_back(plugin.id);
  const auto nearest = suite::nearest_name(id, known);
  auto text = fmt::format("there is no plugin '{}'; ", id);
  if (!nearest.empty()) {
    text += fmt::format("did you mean '{}'?", nearest);
  } else if (folders_.empty()) {
    text += "there is no folder of plugins; name one with --plugin-path";
  } else {
    text += fmt::format("looked in {}; name its folder with --plugin-path", join(folders_));
  }
  throw Error(ErrorKind::kConfig, where, text);
}

}  // namespace berth::plugin
