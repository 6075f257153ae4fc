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

void copy_tokenizer_files(const fs::path& from, const fs::path& to) {
  for (const char* name : {kVocabularyFile, kTokenizerFile, kConfigFile, kSpecialsFile}) {
    std::error_code failed;
    if (!fs::exists(from / name, failed) || fs::equivalent(from / name, to / name, failed)) continue;
    fs::copy_file(from / name, to / name, fs::copy_options::overwrite_existing, failed);
    if (failed) {
      throw Error(ErrorKind::kIo, {(to / name).string()},
                  fmt::format("could not be copied from {}: {}", (from / name).string(), failed.message()));
    }
  }
}

}  // namespace berth::text
