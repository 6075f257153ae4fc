// A suite (TOML), with [sweep] where it has one: read_suite().

#include "core/suite/suite.h"

#include "fuzz.h"

using namespace berth;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::MemoryFile file;
  file.write(fuzz::text_of(data, size));
  fuzz::accepts({ErrorKind::kConfig}, [&] {
    const std::string written = suite::to_toml(suite::read_suite(file.path(), {}));
    // What berth wrote itself has to be taken, so an Error is a finding here: it must not reach accepts().
    file.write(written);
    std::string again;
    try {
      again = suite::to_toml(suite::read_suite(file.path(), {}));
    } catch (const Error& error) {
      fuzz::broken("a resolved suite is read again", error.what());
    }
    fuzz::require(again == written, "a resolved suite is the same when read again", written + "\n----\n" + again);
  });
  return 0;
}
