// vocab.txt, then 0xFF and a text that is tokenized with it: load_tokenizer() on a folder that has nothing else.

#include "core/text/load_tokenizer.h"
#include "fuzz.h"
#include "tokenize.h"

using namespace berth;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::Folder folder;
  const auto parts = fuzz::parts_of(fuzz::text_of(data, size), 2);
  folder.write("vocab.txt", parts[0]);
  std::unique_ptr<Tokenizer> tokenizer;
  if (!fuzz::accepts({ErrorKind::kContent}, [&] { tokenizer = text::load_tokenizer(folder.path()); })) return 0;
  fuzz::tokenize_all_ways(*tokenizer, parts[1]);
  return 0;
}
