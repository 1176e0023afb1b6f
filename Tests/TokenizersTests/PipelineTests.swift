import Glibc
import JSON
import SystemPackage
import Testing
import Tokenizers

@Suite("Tokenizer pipelines")
struct PipelineTests {
    static let names = ["bytelevel", "split", "unigram", "fallback", "suffix", "wordlevel"]

    @Test("every pipeline encodes as the reference does", arguments: names)
    func encodings(name: String) throws {
        let tokenizer = try Fixtures.tokenizer("\(name)_tokenizer.json")
        for record in try Fixtures.records("\(name).jsonl") {
            let text = try #require(record["text"]?.string)
            let encoding = tokenizer.encode(text, pair: record["pair"]?.string)
            expectEqual(encoding, record)
            if record["pair"] == nil { #expect(tokenizer.ids(text) == encoding.ids, "\(text)") }
        }
    }

    @Test("every pipeline decodes as the reference does", arguments: names)
    func decoding(name: String) throws {
        let tokenizer = try Fixtures.tokenizer("\(name)_tokenizer.json")
        for record in try Fixtures.records("\(name).jsonl") {
            let ids = try #require(record["ids"]?.integers).map { Int32($0) }
            let expected = try #require(record["decoded"]?.string)
            #expect(Array(tokenizer.decode(ids).utf8) == Array(expected.utf8))
            let all = try #require(record["decoded_all"]?.string)
            #expect(Array(tokenizer.decode(ids, skipSpecialTokens: false).utf8) == Array(all.utf8))
        }
    }

    @Test("a stream of ids decodes to the same text as all of them at once", arguments: ["bytelevel", "fallback"])
    func streaming(name: String) throws {
        let tokenizer = try Fixtures.tokenizer("\(name)_tokenizer.json")
        for record in try Fixtures.records("\(name).jsonl") where record["pair"] == nil {
            let ids = try #require(record["ids"]?.integers).map { Int32($0) }
            let whole = tokenizer.decode(ids)
            if whole.unicodeScalars.last == "\u{FFFD}" { continue }
            var stream = DecodingStream(tokenizer)
            var text = ""
            for id in ids { text += stream.append(id) ?? "" }
            #expect(Array(text.utf8) == Array(whole.utf8))
        }
    }

    @Test("a pipeline that is read and cached encodes texts the same the second time")
    func caching() throws {
        for name in Self.names {
            let tokenizer = try Fixtures.tokenizer("\(name)_tokenizer.json")
            let texts = try Fixtures.records("\(name).jsonl").compactMap { $0["text"]?.string }
            let first = texts.map { tokenizer.encode($0).ids }
            #expect(texts.map { tokenizer.encode($0).ids } == first)
            #expect(tokenizer.idsBatch(texts, threads: 3) == first)
        }
    }

    @Test("a long text without a blank takes linear time", arguments: names + ["bert"], [false, true])
    func longWords(name: String, isMixed: Bool) throws {
        let tokenizer = try Fixtures.tokenizer("\(name)_tokenizer.json")
        // Of this thread alone, which a busy machine does not lengthen.
        func seconds(_ count: Int) -> Double {
            func now() -> Double {
                var time = timespec()
                unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
                return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
            }
            let text = String(repeating: isMixed ? "aé中\u{301}b" : "abc", count: count)
            let start = now()
            _ = tokenizer.ids(text)
            return now() - start
        }
        _ = seconds(1000)
        // Ten times the text; quadratic time would take a hundred times as long.
        #expect(seconds(100_000) < 40 * seconds(10_000) + 0.2)
    }
}
