// An ability as a later version of the SDK would bring it: a class of its own, which an old side does not know.
#pragma once

#include <string>

#include "berth/version.h"

namespace berth {
inline namespace v1 {

class BERTH_VISIBLE Ability {
 public:
  virtual ~Ability() = default;
  virtual std::string answer() const = 0;
};

}  // namespace v1
}  // namespace berth
