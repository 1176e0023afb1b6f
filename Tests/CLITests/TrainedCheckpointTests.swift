import FoundationEssentials
import JSON
import SystemPackage
import TestSupport
import Testing

/// Small checkpoints with trained weights, where `check_checkpoints.py` has fetched them.
@Suite("Trained checkpoints")
struct TrainedCheckpointTests {
    private static let goldens = Golden.directory("trained")
    static let names = ((try? FileManager.default.contentsOfDirectory(atPath: goldens.string)) ?? []).sorted()
        .compactMap { FilePath($0).stem }

    private static func checkpoint(_ name: String) -> FilePath {
        let environment = ProcessInfo.processInfo.environment
        let cache =
            environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : FilePath($0) }
            ?? FilePath(environment["HOME"] ?? "/").appending(".cache")
        return cache.appending("graft/checkpoints/published").appending(name)
    }

    @Test("there are goldens of ALBERT, ELECTRA and a static model")
    func coverage() { #expect(Self.names.count == 3) }

    @Test("the directory as it was published gives the reference's vectors", arguments: names)
    func vectors(name: String) async throws {
        let checkpoint = Self.checkpoint(name)
        guard FileManager.default.fileExists(atPath: checkpoint.appending("config.json").string) else {
            print("skipped: no \(checkpoint); Tests/Golden/check_checkpoints.py fetches it")
            return
        }
        let golden = try JSON(parsing: #require(contents(of: Self.goldens.appending("\(name).json"))))
        let texts = try #require(golden["texts"]?.array).compactMap(\.string)
        let options = try #require(golden["options"]?.array).compactMap(\.string)
        let input = texts.map { $0 + "\n" }.joined()
        let result = try await Graft().run(["embed", checkpoint.string] + options, input: Array(input.utf8))
        #expect(result.status == 0, "\(result.errors)")
        let records = try result.output.split(separator: "\n").map { try JSON(parsing: Array($0.utf8)) }
        let expected = try #require(golden["vectors"]?.array)
        #expect(records.count == texts.count && expected.count == texts.count)
        for (record, expected) in zip(records, expected) {
            let (found, expected) = (record["embedding"]?.numbers ?? [], expected.numbers)
            let size = expected.map(abs).max() ?? 0
            #expect(found.count == expected.count && size > 0)
            #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-5 * size })
        }
    }
}
