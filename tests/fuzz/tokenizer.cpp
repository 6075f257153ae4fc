// A tokenizer's JSON files, with 0xFF between them: tokenizer.json, tokenizer_config.json, special_tokens_map.json, and
// a text that is tokenized. Of those that are empty there is no file. vocab.txt is always the same small one.

#include "core/text/load_tokenizer.h"
#include "fuzz.h"
#include "tokenize.h"

using namespace berth;

namespace {

constexpr std::string_view kVocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n##a\n##b\nthe\nship\n##s\n,\n.\n";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::Folder folder;
  static const bool is_ready = (folder.write("vocab.txt", kVocabulary), true);
  (void)is_ready;
  const auto parts = fuzz::parts_of(fuzz::text_of(data, size), 4);
  const char* names[] = {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"};
  for (std::size_t i = 0; i < 3; ++i) {
    if (parts[i].empty()) {
      folder.remove(names[i]);
    } else {
      folder.write(names[i], parts[i]);
    }
  }
  std::unique_ptr<Tokenizer> tokenizer;
  if (!fuzz::accepts({ErrorKind::kContent}, [&] { tokenizer = text::load_tokenizer(folder.path()); })) return 0;
  fuzz::tokenize_all_ways(*tokenizer, parts[3]);
  // These may be missing from the vocabulary until they are asked for.
  fuzz::accepts({ErrorKind::kContent}, [&] { tokenizer->pad_id(); });
  fuzz::accepts({ErrorKind::kContent}, [&] { tokenizer->mask_id(); });
  return 0;
}
