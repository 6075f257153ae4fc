// The report.json of a checkpoint, which a run goes on from: read_memory().

#include "core/report/run_memory.h"

#include "fuzz.h"

using namespace berth;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::MemoryFile file;
  file.write(fuzz::text_of(data, size));
  fuzz::accepts({ErrorKind::kContent}, [&] {
    const std::string written = report::to_json(report::read_memory(file.path()));
    file.write(written);
    try {
      const std::string again = report::to_json(report::read_memory(file.path()));
      fuzz::require(again == written, "a report is the same when read again", written + "\n----\n" + again);
    } catch (const Error& error) {
      fuzz::broken("a report that was written is read again", error.what());
    }
  });
  return 0;
}
