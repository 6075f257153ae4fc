// Writes all tensors of files of torch.save as safetensors, for compare_torch_files.py.
//   torch_to_safetensors FILE.bin...      writes FILE.safetensors beside each; exits as berth does
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <filesystem>

#include "berth/error.h"
#include "core/checkpoint/safetensors.h"
#include "core/checkpoint/torch_file.h"

int main(int argc, char** argv) {
  try {
    for (int i = 1; i < argc; ++i) {
      std::filesystem::path path(argv[i]);
      const berth::checkpoint::TorchFile file(path);
      berth::NamedTensors tensors;
      for (const auto& entry : file.entries()) tensors.push_back({entry.name, file.tensor(entry.name)});
      berth::checkpoint::write_safetensors(path.replace_extension("safetensors"), tensors);
    }
  } catch (const berth::Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return static_cast<int>(error.kind());
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
