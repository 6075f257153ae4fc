// What stands around a sentence in its document.
#pragma once

#include <memory>

#include "berth/dataset.h"
#include "example.h"

namespace berth::ner {

// The same examples (NerExamples all), each with up to `words` words of the sentences before and after it in the same
// document. Reads ahead no further than it must.
std::unique_ptr<ExampleStream> add_context(std::unique_ptr<ExampleStream> sentences, std::size_t words);

}  // namespace berth::ner
