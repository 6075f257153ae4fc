// The scores of a tagging set: entities as seqeval counts them, and words' tags.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "berth/kit/tags.h"
#include "berth/metric.h"

namespace berth::ner {

// What the metric reports for these types, in order.
std::vector<std::string> score_names(const kit::TagSet& tags);

// primary: one of score_names().
std::unique_ptr<Metric> make_ner_metric(std::shared_ptr<const kit::TagSet> tags, std::string primary);

}  // namespace berth::ner
