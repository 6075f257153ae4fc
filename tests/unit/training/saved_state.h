// A training state as a run that goes on reads it.
#pragma once

#include <filesystem>

#include "core/checkpoint/safetensors.h"
#include "core/training/training_state.h"

namespace berth::training::testing {

inline TrainingState saved(const TrainingState& state) {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  const auto file = std::filesystem::temp_directory_path() /
                    (std::string("berth_") + test->test_suite_name() + "_" + test->name() + ".safetensors");
  checkpoint::write_safetensors(file, state.tensors());
  auto read = TrainingState::read(file);
  std::filesystem::remove(file);  // its mapping stays
  return read;
}

}  // namespace berth::training::testing
