// Where the time of training steps goes, by LibTorch's own record of operations: what `berth run --profile` prints. The
// engine's kernels, which are no operations of LibTorch, are scopes named "berth: ...".
#pragma once

#include <ATen/record_function.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace berth::report {

// Of what lies within training::kStepScope.
class Profile {
 public:
  Profile();  // from here on, on this thread; one at a time
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  struct Part {
    std::string name;
    std::int64_t calls = 0;
    double seconds = 0;  // without what it called
  };
  std::vector<Part> parts() const;  // the longest first
  double seconds() const;           // of all parts: of all steps
  std::string table() const;

 private:
  struct Open {
    std::string name;
    double start = 0;
    double inner = 0;  // seconds of what was called from it
  };

  static std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction& function);
  static void end(const at::RecordFunction& function, at::ObserverContext* context);

  at::CallbackHandle callback_;
  std::vector<Open> open_;
  bool is_in_step_ = false;
  std::int64_t steps_ = 0;
  std::map<std::string, Part> parts_;
};

}  // namespace berth::report
