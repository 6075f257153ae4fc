#include "core/serve/counters.h"

#include <gmock/gmock.h>

namespace berth::serve {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(Counters, AreToldInPrometheusFormat) {
  Counters counters;
  counters.count("/v1/predict", {"POST", "/v1/predict", 200, 0.02});
  counters.count("/v1/predict", {"POST", "/v1/predict", 200, 0.025});
  counters.count("/v1/predict", {"POST", "/v1/predict", 503, 100});
  counters.count("/health", {"GET", "/health", 200, 1});
  counters.count(BatchStatistics{3, 5, 4, 40, 0.5});
  counters.count(BatchStatistics{1, 1, 1, 10, 0.25});
  EXPECT_THAT(counters.text(7), AllOf(HasSubstr("# TYPE berth_http_requests_total counter\n"),
                                      HasSubstr("berth_http_requests_total{path=\"/v1/predict\",code=\"200\"} 2\n"),
                                      HasSubstr("berth_http_requests_total{path=\"/v1/predict\",code=\"503\"} 1\n"),
                                      HasSubstr("berth_http_requests_total{path=\"/health\",code=\"200\"} 1\n"),
                                      HasSubstr("berth_request_seconds_bucket{le=\"0.01\"} 0\n"),
                                      HasSubstr("berth_request_seconds_bucket{le=\"0.025\"} 2\n"),
                                      HasSubstr("berth_request_seconds_bucket{le=\"30\"} 2\n"),
                                      HasSubstr("berth_request_seconds_bucket{le=\"+Inf\"} 3\n"),
                                      HasSubstr("berth_request_seconds_sum 100.045\nberth_request_seconds_count 3\n")));
  EXPECT_THAT(counters.text(7),
              AllOf(HasSubstr("\nberth_texts_total 4\n"), HasSubstr("\nberth_batches_total 2\n"),
                    HasSubstr("\nberth_batch_texts_mean 2\n"), HasSubstr("\nberth_sequences_total 6\n"),
                    HasSubstr("\nberth_sequences_encoded_total 5\n"), HasSubstr("\nberth_tokens_encoded_total 50\n"),
                    HasSubstr("\nberth_encoder_seconds_total 0.75\n"), HasSubstr("\nberth_queue_texts 7\n")));
}

TEST(Counters, StartAtNothing) { EXPECT_THAT(Counters().text(0), HasSubstr("\nberth_batch_texts_mean 0\n")); }

}  // namespace
}  // namespace berth::serve
