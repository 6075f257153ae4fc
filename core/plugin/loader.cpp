#include "core/plugin/loader.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <boost/dll/shared_library.hpp>
#include <map>
#include <mutex>

#include "berth/plugin.h"
#include "core/plugin/guard.h"
#include "core/plugin/process_state.h"

namespace berth::plugin {
namespace {

using EntryFunction = Task*(char*, std::size_t);

// All libraries of the process. Never destroyed: Boost.DLL would unload them at exit, before what they made is gone.
class LoadedLibraries {
 public:
  static LoadedLibraries& instance() {
    static auto& libraries = *new LoadedLibraries;
    return libraries;
  }

  const boost::dll::shared_library& get(const std::filesystem::path& file, const std::string& owner) {
    const std::lock_guard lock(mutex_);
    const auto found = libraries_.find(file);
    if (found != libraries_.end()) return found->second;
    boost::dll::shared_library library;
    boost::dll::fs::error_code failed;
    library.load(file, failed, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
    if (failed) {
      const char* message = ::dlerror();
      throw Error(ErrorKind::kPlugin, fmt::format("{} can't be loaded: {}", owner,
                                                  message != nullptr ? message : failed.message().c_str()));
    }
    return libraries_.emplace(file, std::move(library)).first->second;
  }

 private:
  std::mutex mutex_;
  std::map<std::filesystem::path, boost::dll::shared_library> libraries_;
};

std::unique_ptr<Task> call_entry(const boost::dll::shared_library& library, const std::string& owner) {
  if (!library.has(BERTH_ENTRY_NAME)) {
    throw Error(ErrorKind::kPlugin,
                fmt::format("{} has a manifest but does not export {}; build it with berth_add_plugin()", owner,
                            BERTH_ENTRY_NAME));
  }
  auto& entry = library.get<EntryFunction>(BERTH_ENTRY_NAME);
  std::array<char, 4096> message{};
  std::unique_ptr<Task> task;
  guarded({owner, BERTH_ENTRY_NAME}, [&] { task.reset(entry(message.data(), message.size())); });
  message.back() = '\0';
  if (!task) {
    throw Error(ErrorKind::kPlugin,
                fmt::format("{} made no task: {}", owner,
                            message[0] != '\0' ? message.data() : "it gave no reason; ask the plugin's author"));
  }
  return task;
}

}  // namespace

LoadResult load_task(const std::filesystem::path& file, const std::string& owner) {
  const auto before = ProcessState::capture();
  try {
    auto task = call_entry(LoadedLibraries::instance().get(file, owner), owner);
    return {std::move(task), before.restore()};
  } catch (...) {
    before.restore();
    throw;
  }
}

}  // namespace berth::plugin
