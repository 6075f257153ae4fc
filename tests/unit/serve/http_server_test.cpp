#include "core/serve/http_server.h"

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "berth/error.h"
#include "tests/unit/serve/http_client.h"

namespace berth::serve {
namespace {

using std::chrono::milliseconds;
using test::Client;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr milliseconds kLong{20'000};

Reply text_reply(std::string text) {
  Reply reply;
  reply.content_type = "text/plain";
  reply.body = std::move(text);
  return reply;
}

// Says what it was asked.
void echo(const Request& request, const Respond& respond) {
  respond(text_reply(request.method + " " + request.path + " [" + request.body + "] " + request.content_type));
}

ServerOptions quick() {
  ServerOptions options;
  options.limits.read = milliseconds(150);
  options.limits.idle = milliseconds(300);
  options.limits.answer = kLong;
  return options;
}

// Holds every request until it is let go.
class Holding {
 public:
  Handler handler() {
    return [this](const Request&, const Respond& respond) {
      const std::lock_guard lock(mutex_);
      held_.push_back(respond);
      ++count_;
    };
  }

  void wait_for(int count) const {
    while (count_ < count) std::this_thread::sleep_for(milliseconds(1));
  }

  void answer_all() {
    const std::lock_guard lock(mutex_);
    for (const auto& respond : held_) respond(text_reply("late"));
  }

 private:
  std::mutex mutex_;
  std::vector<Respond> held_;
  std::atomic<int> count_{0};
};

TEST(HttpServer, AnswersAndKeepsTheConnection) {
  HttpServer server({}, echo);
  Client client(server.port());
  EXPECT_THAT(client.ask(test::get("/a%20b?c=d")), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("GET /a b []"),
                                                         HasSubstr("X-Content-Type-Options: nosniff")));
  EXPECT_THAT(client.ask(test::post("/x", "{}")), HasSubstr("POST /x [{}] application/json"));
  // Two at once, without waiting.
  client.send(test::get("/one") + test::get("/two"));
  EXPECT_THAT(client.reply(), HasSubstr("GET /one"));
  EXPECT_THAT(client.reply(), HasSubstr("GET /two"));
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpServer, ClosesWhereTheClientWantsIt) {
  HttpServer server({}, echo);
  Client client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(client.rest(), AllOf(HasSubstr("Connection: close"), HasSubstr("GET / []")));
  Client old(server.port());
  old.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_THAT(old.rest(), HasSubstr("GET / []"));
  // It can't know that a reply of HTTP/1.1 leaves the connection open.
  Client keeping(server.port());
  keeping.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(keeping.reply(), AllOf(HasSubstr("Connection: close"), HasSubstr("GET / []")));
  EXPECT_EQ(keeping.rest(), "");
}

TEST(HttpServer, ReadsChunksAndAnswersHeadWithoutBody) {
  HttpServer server({}, echo);
  Client client(server.port());
  EXPECT_THAT(client.ask("POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"),
              HasSubstr("POST /x [abcde]"));
  client.send("HEAD /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(client.rest(), AllOf(HasSubstr("Content-Length: 10\r\n"), Not(HasSubstr("GET /x"))));
}

TEST(HttpServer, TellsAClientThatAsksFirstToGoOn) {
  HttpServer server({}, echo);
  Client client(server.port());
  client.send("POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.reply(), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_THAT(client.ask("abc"), HasSubstr("POST /x [abc]"));
}

TEST(HttpServer, RefusesWhatIsTooLarge) {
  auto options = quick();
  options.limits.body_bytes = 10;
  options.limits.header_bytes = 500;
  HttpServer server(options, echo);
  Client exact(server.port());
  EXPECT_THAT(exact.ask(test::post("/x", "0123456789")), StartsWith("HTTP/1.1 200 "));
  Client one_more(server.port());
  one_more.send(test::post("/x", "0123456789a"));
  EXPECT_THAT(one_more.rest(), AllOf(StartsWith("HTTP/1.1 413 "), HasSubstr("too_large"), HasSubstr("10 bytes")));
  Client chunked(server.port());
  chunked.send(
      "POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n0123456789a\r\n0\r\n\r\n");
  EXPECT_THAT(chunked.rest(), StartsWith("HTTP/1.1 413 "));
  Client header(server.port());
  header.send("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(600, 'x') + "\r\n\r\n");
  EXPECT_THAT(header.rest(), StartsWith("HTTP/1.1 431 "));
}

TEST(HttpServer, RefusesWhatIsNoHttp) {
  HttpServer server({}, echo);
  for (const auto* bytes :
       {"hello\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET nothing HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n"}) {
    Client client(server.port());
    client.send(bytes);
    EXPECT_THAT(client.rest(), AllOf(StartsWith("HTTP/1.1 400 "), HasSubstr("\"bad_request\""))) << bytes;
  }
}

TEST(HttpServer, KeepsForeignNamesOut) {
  HttpServer server({}, echo);
  for (const auto* host : {"localhost", "LOCALHOST:80", "127.0.0.1:8000", "[::1]", "[::1]:1"}) {
    Client client(server.port());
    EXPECT_THAT(client.ask(std::string("GET / HTTP/1.1\r\nHost: ") + host + "\r\n\r\n"), StartsWith("HTTP/1.1 200 "))
        << host;
  }
  for (const auto* host : {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "localhost:80x"}) {
    Client client(server.port());
    client.send(std::string("GET / HTTP/1.1\r\nHost: ") + host + "\r\n\r\n");
    EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 403 ")) << host;
  }
  ServerOptions open;
  open.host = "0.0.0.0";
  HttpServer everyone(open, echo);
  Client client(everyone.port());
  EXPECT_THAT(client.ask("GET / HTTP/1.1\r\nHost: model.example\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
}

TEST(HttpServer, ASlowRequestHasItsTimeAndIsToldSo) {
  HttpServer server(quick(), echo);
  Client header(server.port());
  header.send("GET / HT");
  EXPECT_THAT(header.rest(), AllOf(StartsWith("HTTP/1.1 408 "), HasSubstr("0.15 seconds")));
  Client body(server.port());
  body.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc");
  EXPECT_THAT(body.rest(), StartsWith("HTTP/1.1 408 "));
  // A byte now and then buys no time.
  Client dripping(server.port());
  const auto start = std::chrono::steady_clock::now();
  while (dripping.send("G") && std::chrono::steady_clock::now() - start < kLong / 2) {
    std::this_thread::sleep_for(milliseconds(20));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, kLong / 2);
}

// A read that is done already when the time is up can't be cancelled. Mostly it is, so that three tries meet one.
TEST(HttpServer, AStreamThatFallsSilentHasItsTimeToo) {
  auto options = quick();
  options.limits.body_bytes = 1 << 26;
  HttpServer server(options, echo);
  const std::string piece(64, 'x');
  for (int i = 0; i < 3; ++i) {
    Client client(server.port());
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 67108864\r\n\r\n");
    const auto end = std::chrono::steady_clock::now() + 2 * options.limits.read;
    while (client.send(piece) && std::chrono::steady_clock::now() < end) {
    }
    auto closed = std::async(std::launch::async, [&] { return client.rest(); });
    if (closed.wait_for(kLong / 4) != std::future_status::ready) {
      server.stop(milliseconds(0));  // so that the client's wait ends
      FAIL() << "the connection stays open";
    }
  }
}

TEST(HttpServer, AnIdleConnectionIsClosedInSilence) {
  HttpServer server(quick(), echo);
  Client client(server.port());
  EXPECT_EQ(client.rest(), "");
}

TEST(HttpServer, AnAnswerHasItsTime) {
  auto options = quick();
  options.limits.answer = milliseconds(100);
  Holding holding;
  HttpServer server(options, holding.handler());
  Client client(server.port());
  EXPECT_THAT(client.ask(test::get("/")), AllOf(StartsWith("HTTP/1.1 504 "), HasSubstr("\"timeout\"")));
  holding.answer_all();  // nobody waits for it any more
  client.send(test::get("/"));
  EXPECT_THAT(client.reply(), StartsWith("HTTP/1.1 504 ")) << "the late answer went to the next request";
}

TEST(HttpServer, OnlyTheFirstAnswerCounts) {
  HttpServer server({}, [](const Request&, const Respond& respond) {
    respond(text_reply("first"));
    respond(text_reply("second"));
  });
  Client client(server.port());
  EXPECT_THAT(client.ask(test::get("/")), HasSubstr("first"));
  EXPECT_THAT(client.ask(test::get("/")), HasSubstr("first"));
}

TEST(HttpServer, AnExceptionEndsNothing) {
  HttpServer server({}, [](const Request& request, const Respond& respond) {
    if (request.path == "/bad") throw std::runtime_error("a mistake");
    echo(request, respond);
  });
  Client client(server.port());
  EXPECT_THAT(client.ask(test::get("/bad")), AllOf(StartsWith("HTTP/1.1 500 "), HasSubstr("a mistake")));
  EXPECT_THAT(client.ask(test::get("/good")), StartsWith("HTTP/1.1 200 "));
}

TEST(HttpServer, MoreConnectionsThanAllowedAreToldSo) {
  auto options = quick();
  options.limits.idle = kLong;
  options.limits.connections = 2;
  HttpServer server(options, echo);
  Client first(server.port());
  auto second = std::make_unique<Client>(server.port());
  EXPECT_THAT(first.ask(test::get("/")), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(second->ask(test::get("/")), StartsWith("HTTP/1.1 200 "));
  Client third(server.port());
  EXPECT_THAT(third.rest(),
              AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("Retry-After: 1"), HasSubstr("too_many_connections")));
  second->close();
  while (server.connections() > 1) std::this_thread::sleep_for(milliseconds(1));
  Client fourth(server.port());
  EXPECT_THAT(fourth.ask(test::get("/")), StartsWith("HTTP/1.1 200 "));
}

TEST(HttpServer, TellsOfEachReply) {
  std::mutex mutex;
  std::vector<Exchange> seen;
  HttpServer server({}, echo, [&](const Exchange& exchange) {
    const std::lock_guard lock(mutex);
    seen.push_back(exchange);
  });
  Client client(server.port());
  client.ask(test::get("/a"));
  client.send("nonsense\r\n\r\n");
  client.rest();
  const std::lock_guard lock(mutex);
  ASSERT_EQ(seen.size(), 2);
  EXPECT_EQ(seen[0].method, "GET");
  EXPECT_EQ(seen[0].path, "/a");
  EXPECT_EQ(seen[0].status, 200);
  EXPECT_GE(seen[0].seconds, 0);
  EXPECT_EQ(seen[1].path, "");
  EXPECT_EQ(seen[1].status, 400);
}

TEST(HttpServer, StopsWhenWhatIsUnderWayIsAnswered) {
  Holding holding;
  auto options = quick();
  options.limits.idle = kLong;
  auto server = std::make_unique<HttpServer>(options, holding.handler());
  const auto port = server->port();
  Client idle(port);
  Client busy(port);
  busy.send(test::get("/"));
  holding.wait_for(1);
  auto stopped = std::async(std::launch::async, [&] { server->stop(kLong); });
  EXPECT_EQ(idle.rest(), "");
  EXPECT_EQ(stopped.wait_for(milliseconds(50)), std::future_status::timeout);
  EXPECT_THROW(Client{port}, boost::system::system_error) << "it takes no more connections";
  holding.answer_all();
  EXPECT_THAT(busy.rest(), AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("Connection: close"), HasSubstr("late")));
  busy.close();
  stopped.get();
}

TEST(HttpServer, StopsInTimeThoughNothingIsAnswered) {
  Holding holding;
  HttpServer server(quick(), holding.handler());
  Client busy(server.port());
  busy.send(test::get("/"));
  holding.wait_for(1);
  const auto start = std::chrono::steady_clock::now();
  server.stop(milliseconds(50));
  EXPECT_LT(std::chrono::steady_clock::now() - start, kLong / 2);
  EXPECT_EQ(busy.rest(), "");
  holding.answer_all();  // after the server's end: nothing happens
}

TEST(HttpMessage, KnowsTheNamesOfThisMachine) {
  for (const auto* host : {"127.0.0.1", "127.0.0.2", "127.0.0.2:80", "localhost", "[::1]:80"}) {
    EXPECT_TRUE(is_loopback_host(host)) << host;
  }
  for (const auto* host : {"127.0.0.1.example.org", "127.0.0.2.example.org:80", "127.1", "128.0.0.1", ""}) {
    EXPECT_FALSE(is_loopback_host(host)) << host;
  }
}

TEST(HttpServer, SaysWhereItCanNotListen) {
  HttpServer server({}, echo);
  ServerOptions taken;
  taken.port = server.port();
  try {
    HttpServer(taken, echo);
    FAIL() << "two servers listen on one port";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
    EXPECT_THAT(error.what(), HasSubstr("--port"));
  }
  ServerOptions unknown;
  unknown.host = "no.such.address";
  try {
    HttpServer(unknown, echo);
    FAIL() << "that is no address";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kConfig);
  }
}

}  // namespace
}  // namespace berth::serve
