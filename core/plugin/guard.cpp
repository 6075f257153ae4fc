#include "core/plugin/guard.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <new>
#include <string_view>

namespace berth::plugin {

bool is_out_of_memory(const std::exception& error) {
  const std::string_view text = error.what();
  return dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
         text.find("DefaultCPUAllocator") != std::string_view::npos;
}

void rethrow_from_plugin(const CallSite& site) {
  const auto prefixed = [&site](std::string_view text) {
    return fmt::format("{}, {}: {}", site.owner, site.call, text);
  };
  try {
    throw;
  } catch (const Error& e) {
    throw Error(e, prefixed(e.what()));
  } catch (const c10::Error& e) {
    if (is_out_of_memory(e)) throw;
    throw Error(ErrorKind::kPlugin, prefixed(e.what_without_backtrace()));
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    throw Error(ErrorKind::kPlugin, prefixed(e.what()));
  } catch (...) {
    throw Error(ErrorKind::kPlugin, prefixed("an exception of unknown type"));
  }
}

}  // namespace berth::plugin
