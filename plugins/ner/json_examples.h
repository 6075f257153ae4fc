// Examples from JSON: a text whose entities are stretches of code points, or words with tags.
#pragma once

#include <memory>
#include <string>

#include "berth/dataset.h"
#include "berth/kit/columns.h"
#include "reader.h"

namespace berth::ner {

// Each row must say which entities there are.
std::unique_ptr<ExampleStream> open_json_lines(const std::string& path, const DataOptions& options);

// is_labelled: the entities (or the tags) must be there; otherwise they may be missing. Throws Error kContent for a
// stretch that leaves the text, is empty, overlaps another or does not end where words do.
std::unique_ptr<NerExample> make_example(const kit::Record& record, const DataOptions& options, bool is_labelled);

}  // namespace berth::ner
