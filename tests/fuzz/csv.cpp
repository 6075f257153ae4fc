// TSV, CSV and JSON lines, as the plugin `classification` reads them. The first byte chooses the options.

#include "examples.h"
#include "fuzz.h"
#include "plugins/classification/reader.h"

using namespace berth;
using classification::ClassificationExample;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto input = fuzz::text_of(data, size);
  fuzz::Choices choices(input);
  const char* const formats[] = {"tsv", "csv", "jsonl"};
  const classification::Kind kinds[] = {classification::Kind::kSingleLabel, classification::Kind::kMultiLabel,
                                        classification::Kind::kRegression};
  const char* const headers[] = {"auto", "no"};
  const std::string format = formats[choices.one_of(3)];
  const auto kind = kinds[choices.one_of(3)];
  const std::string header = headers[choices.one_of(2)];
  const bool is_quoted = choices.flag();

  classification::ClassificationReader reader(kind);
  fuzz::DeclaredOptions options;
  reader.describe(options);
  options.set("format", format);
  options.set("header", header);
  options.set("quote", is_quoted);
  if (header == "no" && format != "jsonl") {
    options.set("text", "1");
    options.set("label", "2");
  }
  fuzz::read_examples(reader, input, [&](const Example& read) {
    const auto& example = static_cast<const ClassificationExample&>(read);
    fuzz::require(example.where.line >= 1, "an example knows its line");
    fuzz::require(example.labels.has_value() || example.number.has_value(), "an example has what it is to learn");
    const auto again = fuzz::made_again(reader, example);
    fuzz::require(static_cast<const ClassificationExample&>(*again).text == example.text,
                  "an example that is made again has the same text");
    fuzz::require(again->json() == example.json(), "an example that is made again has the same fields");
  });
  return 0;
}
