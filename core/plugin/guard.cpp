#include "core/plugin/guard.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

namespace berth::plugin {

void rethrow_from_plugin(const CallSite& site) {
  const auto prefixed = [&site](std::string_view text) {
    return fmt::format("{}, {}: {}", site.owner, site.call, text);
  };
  try {
    throw;
  } catch (const Error& e) {
    throw Error(e.kind(), prefixed(e.what()));
  } catch (const c10::Error& e) {
    throw Error(ErrorKind::kPlugin, prefixed(e.what_without_backtrace()));
  } catch (const std::exception& e) {
    throw Error(ErrorKind::kPlugin, prefixed(e.what()));
  } catch (...) {
    throw Error(ErrorKind::kPlugin, prefixed("an exception of unknown type"));
  }
}

}  // namespace berth::plugin
