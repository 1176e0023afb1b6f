import Glibc
import SystemPackage
import Tokenizers

// usage: TokenizeBenchmark verify TOKENIZER GOLDEN.jsonl...
//        TokenizeBenchmark bench TOKENIZER TEXT REPEAT THREADS
//        TokenizeBenchmark scale TOKENIZER TEXT REPEAT
//        TokenizeBenchmark load TOKENIZER REPEAT
//        TokenizeBenchmark fuzz SECONDS SEED_FILE...
let arguments = CommandLine.arguments
guard arguments.count >= 4 else {
    print(
        "usage: TokenizeBenchmark verify TOKENIZER GOLDEN.jsonl... | bench TOKENIZER TEXT REPEAT THREADS | load TOKENIZER REPEAT"
    )
    exit(64)
}

func fail(_ error: any Error) -> Never {
    print(error)
    exit(1)
}

func open(_ path: String) -> Tokenizer {
    let file = FilePath(path)
    do {
        return file.extension == nil ? try Tokenizer(directory: file) : try Tokenizer(file: file)
    } catch { fail(error) }
}

func lines(_ path: String) -> [String] {
    bytes(path).split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
}

func bytes(_ path: String) -> [UInt8] {
    do {
        let file = try FileDescriptor.open(FilePath(path), .readOnly)
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = try unsafe buffer.withUnsafeMutableBytes { try unsafe file.read(into: $0) }
            if count == 0 { break }
            bytes.append(contentsOf: buffer[..<count])
        }
        try file.close()
        return bytes
    } catch { fail(error) }
}

/// Seconds that `body` takes, and what it counts.
func time(_ body: () -> Int) -> (seconds: Double, count: Int) {
    let clock = ContinuousClock()
    var count = 0
    let duration = clock.measure { count = body() }
    return (Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18, count)
}

switch arguments[1] {
case "verify":
    let tokenizer = open(arguments[2])
    for golden in arguments.dropFirst(3) {
        let report: TokenizerVerification.Report
        do { report = try TokenizerVerification(tokenizer).run(FilePath(golden)) } catch { fail(error) }
        print("\(golden): \(report.texts) texts, \(report.tokens) tokens, \(report.differing) texts differ")
        if let first = report.first { print(first) }
    }
case "bench":
    // One line: seconds for ids only, seconds with offsets, tokens.
    let tokenizer = open(arguments[2])
    let texts = Array(repeatElement(lines(arguments[3]), count: Int(arguments[4]) ?? 1).joined())
    let threads = Int(arguments[5]) ?? 1
    func idsOnly() -> Int {
        if threads > 1 { return tokenizer.idsBatch(texts, threads: threads).reduce(0) { $0 + $1.count } }
        var ids: [Int32] = []
        var count = 0
        for text in texts {
            ids.removeAll(keepingCapacity: true)
            tokenizer.ids(ofUTF8: text.utf8Span.span, appendingTo: &ids)
            count += ids.count
        }
        return count
    }
    func withOffsets() -> Int {
        tokenizer.encodeBatch(texts, threads: threads).reduce(0) { $0 + $1.count }
    }
    _ = idsOnly()
    let fast = (0..<3).map { _ in time(idsOnly) }.map(\.seconds).sorted()[1]
    let (_, tokens) = time(withOffsets)
    let full = (0..<3).map { _ in time(withOffsets) }.map(\.seconds).sorted()[1]
    print(fast, full, tokens)
case "scale":
    // Wall and processor seconds of batches on one thread and two, the best of several turns.
    let tokenizer = open(arguments[2])
    let texts = Array(repeatElement(lines(arguments[3]), count: Int(arguments[4]) ?? 1).joined())
    func processorSeconds() -> Double {
        var now = timespec()
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    }
    for (name, body) in [
        ("ids", { (threads: Int) in tokenizer.idsBatch(texts, threads: threads).count }),
        ("offsets", { (threads: Int) in tokenizer.encodeBatch(texts, threads: threads).count }),
    ] {
        var best: [(wall: Double, processor: Double)] = [(.infinity, .infinity), (.infinity, .infinity)]
        for _ in 0..<7 {
            for threads in 1...2 {
                let before = processorSeconds()
                let wall = time { body(threads) }.seconds
                let processor = processorSeconds() - before
                best[threads - 1] = (min(best[threads - 1].wall, wall), min(best[threads - 1].processor, processor))
            }
        }
        print(
            name, "wall", best[0].wall, best[1].wall, "speedup", best[0].wall / best[1].wall, "processor",
            best[0].processor, best[1].processor, "possible", 2 * best[0].processor / best[1].processor)
    }
case "load":
    for _ in 0..<(Int(arguments[3]) ?? 1) {
        print(time { open(arguments[2]).vocabularySize }.seconds)
    }
case "fuzz":
    // Reads mutations of tokenizer files for a while. The one being read stands in a file, for when it ends the program.
    let end = ContinuousClock.now + .seconds(Int(arguments[2]) ?? 10)
    var random = SystemRandomNumberGenerator()
    var rounds = 0
    var accepted = 0
    let seeds = arguments.dropFirst(3).map { (FilePath($0), bytes($0)) }
    while ContinuousClock.now < end, let (path, seed) = seeds.randomElement() {
        var mutated = seed
        for _ in 0..<Int.random(in: 1...12, using: &random) where !mutated.isEmpty {
            let place = Int.random(in: mutated.indices, using: &random)
            let other = Int.random(in: mutated.indices, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: mutated[place] = UInt8.random(in: 0...255, using: &random)
            case 1: mutated[place] = mutated[other]
            case 2: mutated.remove(at: place)
            case 3: mutated.insert(UInt8.random(in: 0...255, using: &random), at: place)
            case 4: mutated.removeSubrange(place..<min(mutated.count, place + 64))
            default: mutated.insert(contentsOf: mutated[other..<min(mutated.count, other + 64)], at: place)
            }
        }
        let file = FilePath("/tmp").appending("graft-fuzz.\(path.extension ?? "json")")
        do {
            let descriptor = try FileDescriptor.open(
                file, .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite])
            _ = try descriptor.closeAfter { try descriptor.writeAll(mutated) }
        } catch { fail(error) }
        rounds += 1
        guard let tokenizer = try? Tokenizer(file: file) else { continue }
        accepted += 1
        let encoding = tokenizer.encode(
            "A good graft heals – 37.5% <s>[MASK] 中é\u{301} ﬁ \u{0}", pair: "\u{1F469}\u{200D}\u{1F4BB} x",
            truncation: Truncation(maxLength: 12, stride: 2))
        _ = encoding.tokens
        _ = tokenizer.decode(encoding.ids)
    }
    print("\(rounds) files, \(accepted) of them read")
default: exit(64)
}
