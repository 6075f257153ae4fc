// What a training set's features are known by: a hash of all that they depend on. Called by the feature cache.
#pragma once

#include <filesystem>
#include <string>

#include "core/data/task_data.h"
#include "core/plugin/loaded_task.h"

namespace berth::data {

// SHA-256 of: the contents of the set's files, unpacked, and their names without folders (a reader may go by these);
// the tokenizer's files in the model's folder; max_length and dtype; the plugin's and the program's own files; the
// task's options and the set's data table as they are written, with the contents of the files that strings in them
// name, from the working folder; the format of feature files. Neither a folder's name nor a time counts. Throws what
// input_files() throws, and Error kIo for a file that can't be read.
std::string feature_key(const plugin::LoadedTask& task, const FeatureOptions& options,
                        const std::filesystem::path& model_folder);

}  // namespace berth::data
