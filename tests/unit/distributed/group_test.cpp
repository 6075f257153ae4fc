// Each process is a thread here: gloo does not know the difference.
#include "core/distributed/group.h"

#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "berth/error.h"
#include "tests/unit/distributed/as_processes.h"

namespace berth::distributed {
namespace {

TEST(Group, AloneCostsAndChangesNothing) {
  auto& group = Group::alone();
  auto tensor = at::ones({3});
  group.sum(tensor);
  EXPECT_EQ(tensor.sum().item<double>(), 3);
  EXPECT_EQ(group.gather(std::string("a")), std::vector<std::string>{"a"});
  EXPECT_EQ(group.from_first("b"), "b");
  group.meet();
}

TEST(Group, SumsAndGathersOverAllProcesses) {
  as_processes(3, [](Group& group) {
    const auto rank = static_cast<double>(group.rank());
    auto tensor = at::full({5}, 1 + rank, at::kDouble);
    group.sum(tensor);
    EXPECT_EQ(tensor.sum().item<double>(), 5 * 6);
    auto begun = at::full({2}, rank);
    const auto wait = group.begin_sum(begun);
    wait();
    EXPECT_EQ(begun.sum().item<double>(), 6);
    std::vector<double> numbers = {rank, 1};
    group.sum(numbers);
    EXPECT_EQ(numbers, (std::vector<double>{3, 3}));

    const std::string own(static_cast<std::size_t>(group.rank()), 'x');  // none of the first
    EXPECT_EQ(group.gather(own), (std::vector<std::string>{"", "x", "xx"}));
    EXPECT_EQ(group.gather(std::string()), (std::vector<std::string>(3)));
    const auto pieces = group.gather(std::vector<std::string>(static_cast<std::size_t>(group.rank()), own));
    EXPECT_EQ(pieces, (std::vector<std::vector<std::string>>{{}, {"x"}, {"xx", "xx"}}));
    EXPECT_EQ(group.from_first(group.is_first() ? std::string("a\0b", 3) : "mine"), std::string("a\0b", 3));
    group.meet();
  });
}

TEST(Group, SaysWhoseOtherIsGone) {
  as_processes(2, [](Group& group) {
    if (!group.is_first()) return;  // and its connection is closed
    try {
      group.meet();
      FAIL() << "nobody was there";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kIo);
      EXPECT_NE(std::string(error.what()).find("another process is gone"), std::string::npos) << error.what();
    }
  });
}

}  // namespace
}  // namespace berth::distributed
