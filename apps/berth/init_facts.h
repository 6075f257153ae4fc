// What `berth init` has to know before it can choose a suite's numbers: where a model is, how many examples there are,
// how long they are.
#pragma once

#include <filesystem>

#include "core/plugin/registry.h"
#include "core/suite/new_suite.h"

namespace berth::app {

// A model's folder: `given` where it is not empty, else what BERTH_MODEL names, the one that apps/setup puts into the
// build folder, or the first of ./models. Absolute; empty where there is none. Throws Error kIo where the one that is
// asked for is no folder with a config.json.
std::filesystem::path find_model(const std::filesystem::path& given);

// What the model alone says, before any data is read; what is usual where there is none (an empty path).
suite::DataFacts facts_of_model(const std::filesystem::path& model);

// Reads the suite's data, and its model where has_model says that it names one. Throws what training would: the suite
// is not sound then.
enum class HasModel : bool { kNo, kYes };
suite::DataFacts look_at_data(const std::filesystem::path& suite_file, const plugin::Registry& registry,
                              HasModel has_model);

}  // namespace berth::app
