#include "core/serve/counters.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace berth::serve {
namespace {

// One number with the lines that say what it is. kind: "counter" or "gauge".
void add_number(std::string& text, const char* name, const char* kind, const char* help, double value) {
  fmt::format_to(std::back_inserter(text), "# HELP {0} {1}\n# TYPE {0} {2}\n{0} {3}\n", name, help, kind, value);
}

}  // namespace

void Counters::count(const std::string& route, const Exchange& exchange) {
  const std::lock_guard lock(mutex_);
  ++requests_[{route, exchange.status}];
  if (exchange.method != "POST") return;
  const auto bound = std::lower_bound(kBounds.begin(), kBounds.end(), exchange.seconds);
  ++latencies_.at(static_cast<std::size_t>(bound - kBounds.begin()));
  latency_sum_ += exchange.seconds;
}

void Counters::count(const BatchStatistics& batch) {
  const std::lock_guard lock(mutex_);
  ++batches_;
  sum_.questions += batch.questions;
  sum_.sequences += batch.sequences;
  sum_.encoded += batch.encoded;
  sum_.tokens += batch.tokens;
  sum_.encoder_seconds += batch.encoder_seconds;
}

std::string Counters::text(std::size_t waiting) const {
  const std::lock_guard lock(mutex_);
  std::string text =
      "# HELP berth_http_requests_total Replies by path and status; path \"\" where no request could be read.\n"
      "# TYPE berth_http_requests_total counter\n";
  const auto out = std::back_inserter(text);
  for (const auto& [key, count] : requests_) {
    fmt::format_to(out, "berth_http_requests_total{{path=\"{}\",code=\"{}\"}} {}\n", key.first, key.second, count);
  }
  text +=
      "# HELP berth_request_seconds Time of POST requests, from their first byte to their reply.\n"
      "# TYPE berth_request_seconds histogram\n";
  std::int64_t below = 0;
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    below += latencies_[i];
    fmt::format_to(out, "berth_request_seconds_bucket{{le=\"{}\"}} {}\n", kBounds[i], below);
  }
  below += latencies_.back();
  fmt::format_to(out,
                 "berth_request_seconds_bucket{{le=\"+Inf\"}} {0}\nberth_request_seconds_sum {1}\n"
                 "berth_request_seconds_count {0}\n",
                 below, latency_sum_);
  const auto number = [](auto value) { return static_cast<double>(value); };
  add_number(text, "berth_texts_total", "counter", "Rows that were answered, each task's apart.",
             number(sum_.questions));
  add_number(text, "berth_batches_total", "counter", "Batches of the model.", number(batches_));
  add_number(text, "berth_batch_texts_mean", "gauge", "Mean number of rows in a batch, since the start.",
             batches_ == 0 ? 0 : number(sum_.questions) / number(batches_));
  add_number(text, "berth_sequences_total", "counter", "Sequences that heads were given.", number(sum_.sequences));
  add_number(text, "berth_sequences_encoded_total", "counter",
             "Of these, different ones in their batch, which the encoder computed.", number(sum_.encoded));
  add_number(text, "berth_tokens_encoded_total", "counter", "Tokens of those.", number(sum_.tokens));
  add_number(text, "berth_encoder_seconds_total", "counter", "Seconds in the encoder.", sum_.encoder_seconds);
  add_number(text, "berth_queue_texts", "gauge", "Rows that wait.", number(waiting));
  return text;
}

}  // namespace berth::serve
