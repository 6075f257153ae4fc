// What `berth serve` counts, as GET /metrics tells it: Prometheus' text format, which other collectors read too.
// Written by the server's thread and the model's.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "core/serve/http_server.h"

namespace berth::serve {

// What a batch took.
struct BatchStatistics {
  std::int64_t questions = 0;
  std::int64_t sequences = 0;  // that heads were given
  std::int64_t encoded = 0;    // of these, different ones: what the encoder computed
  std::int64_t tokens = 0;     // of those encoded
  double encoder_seconds = 0;
};

class Counters {
 public:
  // route: the path as documented ("/v1/tasks/NAME"), of which there are few; whatever a client made up is not kept.
  void count(const std::string& route, const Exchange& exchange);

  void count(const BatchStatistics& batch);

  // waiting: questions in the queue.
  std::string text(std::size_t waiting) const;

 private:
  // Upper bounds in seconds.
  static constexpr std::array kBounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0};

  mutable std::mutex mutex_;                                           // of all that follows
  std::map<std::pair<std::string, unsigned>, std::int64_t> requests_;  // by route and status
  std::array<std::int64_t, kBounds.size() + 1> latencies_{};           // by bound; the last: longer
  double latency_sum_ = 0;
  BatchStatistics sum_;
  std::int64_t batches_ = 0;
};

}  // namespace berth::serve
