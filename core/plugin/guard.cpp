#include "core/plugin/guard.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <new>
#include <string_view>

namespace berth::plugin {

bool is_out_of_memory(const std::exception& error) {
  const std::string_view text = error.what();
  return dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
         dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||  // of a GPU
         text.find("DefaultCPUAllocator") != std::string_view::npos;
}

void rethrow_from_plugin(const CallSite& site) {
  const auto prefixed = [&site](std::string_view text) {
    return fmt::format("{}, {}: {}", site.owner, site.call, text);
  };
  const auto blame = [&](std::string_view text) {
    return Error(ErrorKind::kPlugin,
                 site.file.empty() ? prefixed(text) : fmt::format("{}: {}", site.file, prefixed(text)));
  };
  try {
    throw;
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::kPlugin && e.where() == nullptr) throw blame(e.what());
    throw Error(e, prefixed(e.what()));
  } catch (const c10::Error& e) {
    if (is_out_of_memory(e)) throw;
    throw blame(e.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    throw blame(e.what());
  } catch (...) {
    throw blame("an exception of unknown type");
  }
}

}  // namespace berth::plugin
