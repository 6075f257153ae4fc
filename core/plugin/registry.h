// Finds plugins, judges their manifests, loads them, makes tasks. Loaded libraries stay mapped until the process ends.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
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
  std::string id;  // the manifest's; the file's stem where it has none that can be read
  std::filesystem::path path;
  std::string reason;  // one sentence
};

// Gets one line for people, without an end of line.
using Warn = std::function<void(const std::string&)>;

// Loads a library in another process. What went wrong there in a way that would take this process along, as a sentence
// without its first words ("ends the process by SIGILL when it is loaded"), or "".
using TryToLoad = std::function<std::string(const std::filesystem::path& library)>;

// "berth: warning: ..." on standard error.
void warn_on_stderr(const std::string& line);

// Folders searched in this order, absolute: `paths` (--plugin-path), then those that exist of BERTH_PLUGIN_PATH
// (colon-separated), the folder "plugins" beside the program, ../lib/berth/plugins from it.
std::vector<std::filesystem::path> search_folders(const std::vector<std::filesystem::path>& paths);

class Registry {
 public:
  // Looks at the files NAME.so of search_folders(paths), in alphabetical order a folder. The first of two plugins with
  // one id wins; the other is refused. Reads manifests only; runs no plugin code. A folder named in `paths` that can't
  // be read throws Error kIo. `warn` is told what a plugin changed in the process when it was loaded. try_to_load, if
  // there is one, is asked once about each library that is not the program's own, before any of its code runs here.
  explicit Registry(const std::vector<std::filesystem::path>& paths, Warn warn = warn_on_stderr,
                    TryToLoad try_to_load = nullptr);

  // Asks about all of them at once; those that would take this process along are refused.
  void try_all();

  const std::vector<PluginInfo>& plugins() const { return plugins_; }
  const std::vector<RefusedPlugin>& refused() const { return refused_; }

  // Loads the library if need be. Throws Error kPlugin (a refused plugin with its reason; a library that can't be
  // loaded or makes no task), or kConfig at `where` for an id that is nowhere, with the nearest known one.
  std::unique_ptr<Task> create(const std::string& id, const Where& where) const;

  // The library of a plugin that create() takes; "" for another id.
  std::string file_of(const std::string& id) const;

 private:
  void look_at(const std::filesystem::path& file);
  std::string try_library(const std::filesystem::path& file) const;
  [[noreturn]] void refuse_unknown(const std::string& id, const Where& where) const;

  std::vector<std::filesystem::path> folders_;
  std::vector<PluginInfo> plugins_;
  std::vector<RefusedPlugin> refused_;
  Warn warn_;
  TryToLoad try_to_load_;
  mutable std::map<std::filesystem::path, std::string> tried_;  // what try_to_load_ said
};

}  // namespace berth::plugin
