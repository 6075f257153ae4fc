#include "core/distributed/place.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "berth/error.h"

namespace berth::distributed {
namespace {

Place place_in(const std::map<std::string, std::string>& variables) {
  return place_from([&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

TEST(Place, IsAloneWhereNoLauncherIsAtWork) {
  for (const auto& variables : {std::map<std::string, std::string>{},
                                {{"MASTER_ADDR", "far"}, {"MASTER_PORT", "1"}},
                                {{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}}}) {  // a batch script's own
    const auto place = place_in(variables);
    EXPECT_EQ(place.rank, 0);
    EXPECT_EQ(place.size, 1);
  }
}

TEST(Place, IsReadFromEveryLauncher) {
  const std::map<std::string, std::string> launchers[] = {
      {{"RANK", "5"}, {"WORLD_SIZE", "8"}, {"LOCAL_RANK", "1"}, {"LOCAL_WORLD_SIZE", "4"}},
      {{"OMPI_COMM_WORLD_RANK", "5"},
       {"OMPI_COMM_WORLD_SIZE", "8"},
       {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
       {"OMPI_COMM_WORLD_LOCAL_SIZE", "4"}},
      {{"PMI_RANK", "5"}, {"PMI_SIZE", "8"}, {"MPI_LOCALRANKID", "1"}, {"MPI_LOCALNRANKS", "4"}},
      {{"SLURM_PROCID", "5"},
       {"SLURM_NTASKS", "8"},
       {"SLURM_LOCALID", "1"},
       {"SLURM_NTASKS_PER_NODE", "4"},
       {"SLURM_STEP_ID", "0"}},
  };
  for (auto variables : launchers) {
    variables["MASTER_ADDR"] = "first";
    variables["MASTER_PORT"] = "1234";
    const auto place = place_in(variables);
    EXPECT_EQ(place.rank, 5);
    EXPECT_EQ(place.size, 8);
    EXPECT_EQ(place.local_rank, 1);
    EXPECT_EQ(place.local_size, 4);
    EXPECT_EQ(place.address, "first");
    EXPECT_EQ(place.port, 1234);
    EXPECT_FALSE(place.is_served);
    EXPECT_FALSE(place.is_first());
  }
}

TEST(Place, WithAnAddressAndNothingElseAMachineHasOne) {
  std::map<std::string, std::string> variables = {{"RANK", "1"}, {"WORLD_SIZE", "2"}};
  EXPECT_EQ(place_in(variables).local_size, 2);
  variables["MASTER_ADDR"] = "first";
  EXPECT_EQ(place_in(variables).local_size, 1);
}

TEST(Place, KnowsTorchrunsStoreAndItsRestarts) {
  std::map<std::string, std::string> variables = {{"RANK", "0"},
                                                  {"WORLD_SIZE", "2"},
                                                  {"TORCHELASTIC_USE_AGENT_STORE", "True"},
                                                  {"TORCHELASTIC_RESTART_COUNT", "0"}};
  const auto first = place_in(variables);
  EXPECT_TRUE(first.is_served);
  variables["TORCHELASTIC_RESTART_COUNT"] = "1";
  EXPECT_NE(place_in(variables).meeting, first.meeting);
}

std::string error_of(const std::map<std::string, std::string>& variables) {
  try {
    place_in(variables);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kConfig);
    return error.what();
  }
  return "none";
}

TEST(Place, SaysWhichVariableIsWrong) {
  EXPECT_NE(error_of({{"RANK", "0"}}).find("no WORLD_SIZE"), std::string::npos);
  EXPECT_NE(error_of({{"RANK", "2"}, {"WORLD_SIZE", "2"}}).find("RANK is '2'; expected a whole number from 0 to 1"),
            std::string::npos);
  EXPECT_NE(error_of({{"RANK", "0"}, {"WORLD_SIZE", "two"}}).find("WORLD_SIZE is 'two'"), std::string::npos);
  EXPECT_NE(error_of({{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"MASTER_PORT", "0"}}).find("MASTER_PORT"),
            std::string::npos);
  EXPECT_NE(error_of({{"RANK", "0"}, {"WORLD_SIZE", "8"}, {"LOCAL_WORLD_SIZE", "4"}}).find("MASTER_ADDR"),
            std::string::npos);
}

}  // namespace
}  // namespace berth::distributed
