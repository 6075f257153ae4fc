// A checkpoint's manifest.json, beside files that are what they were: verify().

#include "core/checkpoint/manifest.h"

#include "core/model/json_text.h"
#include "fuzz.h"

using namespace berth;

namespace {

struct Checkpoint {
  Checkpoint() {
    folder.write("encoder/config.json", "{}\n");
    folder.write("heads/a.safetensors", "not looked into");
    folder.write("training.safetensors", "nor this");
    folder.write("report.json", "{}\n");
    checkpoint::write_manifest(folder.path());
    manifest = model::read_text(folder.path() + "/" + checkpoint::kManifestFile);
  }

  fuzz::Folder folder;
  std::string manifest;  // the right one
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Checkpoint whole;
  const auto text = fuzz::text_of(data, size);
  whole.folder.write(checkpoint::kManifestFile, text);
  if (fuzz::accepts({ErrorKind::kContent}, [] { verify(whole.folder.path(), checkpoint::Part::kAll); })) {
    fuzz::require(text == whole.manifest, "only what berth wrote is taken for a whole checkpoint");
  }
  fuzz::accepts({ErrorKind::kContent}, [] { verify(whole.folder.path(), checkpoint::Part::kModel); });
  return 0;
}
