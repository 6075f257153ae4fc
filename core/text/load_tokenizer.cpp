#include "core/text/load_tokenizer.h"

#include <fmt/format.h>

#include <system_error>

#include "berth/error.h"
#include "core/text/bert_tokenizer.h"
#include "core/text/tokenizer_files.h"

namespace berth::text {

namespace fs = std::filesystem;

std::unique_ptr<Tokenizer> load_tokenizer(const fs::path& model_folder) {
  if (fs::exists(model_folder / kTokenizerFile)) {
    return std::make_unique<BertTokenizer>(read_tokenizer_json(model_folder));
  }
  if (fs::exists(model_folder / kVocabularyFile)) {
    return std::make_unique<BertTokenizer>(read_vocabulary_and_config(model_folder));
  }
  throw Error(ErrorKind::kIo, {model_folder.string()},
              fmt::format("the model folder has neither {} nor {}: copy the tokenizer's files into it", kTokenizerFile,
                          kVocabularyFile));
}

std::vector<fs::path> tokenizer_files(const fs::path& model_folder) {
  std::vector<fs::path> files;
  std::error_code failed;
  for (const char* name : {kVocabularyFile, kTokenizerFile, kConfigFile, kSpecialsFile}) {
    if (fs::exists(model_folder / name, failed)) files.push_back(model_folder / name);
  }
  return files;
}

void copy_tokenizer_files(const fs::path& from, const fs::path& to) {
  for (const auto& file : tokenizer_files(from)) {
    const auto copy = to / file.filename();
    std::error_code failed;
    if (fs::equivalent(file, copy, failed)) continue;
    fs::copy_file(file, copy, fs::copy_options::overwrite_existing, failed);
    if (failed) {
      throw Error(ErrorKind::kIo, {copy.string()},
                  fmt::format("could not be copied from {}: {}", file.string(), failed.message()));
    }
  }
}

}  // namespace berth::text
