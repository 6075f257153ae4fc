#include "examples.h"

#include <algorithm>

#include "fuzz.h"

namespace berth::fuzz {

OptionField& DeclaredOptions::add(OptionField field) {
  const std::string name = field.name;
  return fields_.emplace(name, std::move(field)).first->second;
}

void read_examples(const DatasetReader& reader, std::string_view content,
                   const std::function<void(const Example&)>& look) {
  static const MemoryFile file;
  file.write(content);
  const auto lines = std::count(content.begin(), content.end(), '\n') + 1;
  accepts({ErrorKind::kContent}, [&] {
    const auto stream = reader.open(file.path());
    while (const auto example = stream->next()) {
      require(example->where.file == file.path(), "an example knows its file");
      require(example->where.line >= 0 && example->where.line <= lines, "an example's line is one of the file's");
      look(*example);
    }
  });
}

std::unique_ptr<Example> made_again(const DatasetReader& reader, const Example& example) {
  try {
    return reader.from_json(example.json(), example.where);
  } catch (const Error& error) {
    broken("an example's fields make an example again", error.what());
  }
}

}  // namespace berth::fuzz
