#include "reader.h"

#include "example.h"

namespace berth::seq2seq {
namespace {

std::unique_ptr<Seq2SeqExample> make_example(const kit::Record& record, const DataOptions& options) {
  auto example = std::make_unique<Seq2SeqExample>(record);
  example->source = record.text(options.source);
  return example;
}

}  // namespace

void Seq2SeqReader::describe(Options& options) {
  options_.columns.describe(options);
  options.field("source", options_.source, "the column that holds the text to read");
  options.field("target", options_.target, "the column that holds the text to write");
}

std::unique_ptr<ExampleStream> Seq2SeqReader::open(const std::string& path) const {
  return kit::make_examples(kit::open_rows(path, options_.columns, {options_.source, options_.target}),
                            [options = options_](const kit::Record& record) -> std::unique_ptr<Example> {
                              auto example = make_example(record, options);
                              example->target = record.text(options.target);
                              return example;
                            });
}

std::unique_ptr<Example> Seq2SeqReader::from_json(std::string_view json, const Where& where) const {
  return make_example(kit::parse_record(json, where), options_);
}

}  // namespace berth::seq2seq
