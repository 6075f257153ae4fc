// Finds plugins, judges their manifests, loads them, makes tasks. Loaded libraries stay mapped until the process ends.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "berth/task.h"

namespace berth::plugin {

struct PluginInfo {
  std::string id;
  std::string version;
  std::string summary;
  std::string built_for;  // "SDK 0.1.0, LibTorch 2.13.0, GCC 12"
  std::filesystem::path path;
};

struct RefusedPlugin {
  std::filesystem::path path;
  std::string reason;  // one sentence
};

// Folders searched in this order: `paths` (--plugin-path), BERTH_PLUGIN_PATH (colon-separated), the folder "plugins"
// beside the program, ../lib/berth/plugins from it. The first of two plugins with one id wins; the other is refused.
std::vector<std::filesystem::path> search_folders(const std::vector<std::filesystem::path>& paths);

class Registry {
 public:
  // Reads manifests only; runs no plugin code. A folder named in `paths` that does not exist throws Error kIo.
  explicit Registry(const std::vector<std::filesystem::path>& paths);

  const std::vector<PluginInfo>& plugins() const { return plugins_; }
  const std::vector<RefusedPlugin>& refused() const { return refused_; }

  // Loads the library if need be. Throws Error kPlugin (a refused plugin with its reason), or kConfig at `where` for an
  // id that is nowhere, with the nearest known one.
  std::unique_ptr<Task> create(const std::string& id, const Where& where) const;

 private:
  std::vector<PluginInfo> plugins_;
  std::vector<RefusedPlugin> refused_;
};

}  // namespace berth::plugin
