// Temperature scaling (Guo et al. 2017): logits are divided by one number, the temperature, chosen so that the labels
// of the dev set are likeliest. Above 1 the model was too sure of itself, below 1 not sure enough. Order and answers
// stay.
#pragma once

#include <cstddef>
#include <vector>

#include "example.h"

namespace berth::classification {

struct LabelledLogits {
  std::vector<double> logits;
  std::vector<std::size_t> truth;  // the labels that are true: one for kSingleLabel
};

// Least negative log-likelihood, to 10 digits, between 0.01 and 100: where every answer is right, colder is better
// without end. 1 without texts.
double find_temperature(Kind kind, const std::vector<LabelledLogits>& texts);

}  // namespace berth::classification
