import SystemPackage
import Tasks
import Tensors
import TestSupport
import Testing

/// What `make fuzz` does at length, in little.
@Suite("Corpus, damaged")
struct CorpusMutationTests {
    private static let seeds = [
        "text\tlabel\na good film\tx\nbad\ty\nfine\tx\ndull\ty\n",
        "text,label\n\"a \"\"b\"\", c\",x\n\"d\ne\",y\nf,x\n",
        "{\"text\":\"a\",\"label\":[1,2]}\n{\"text\":\"b\",\"label\":0.5}\n",
        "[{\"text\":\"a\",\"label\":\"x\"},\n{\"text\":\"b]\",\"label\":\"y\"}]",
        "__label__a __label__b c\nd __label__a\n",
        "a b c d\tx\ne f g h\ty\ni j k l\tx\nm n o p\ty\n",
        "text\tscore\na\t0.5\nb\t1.5\nb\t2\nc\t3\n", "text\tlabels\na\tx,y\nb\tx\nc\t\nd\ty\n",
    ]

    @Test(
        "damaged data is taken or refused, and what is taken is divided without a loss", arguments: 0..<Self.seeds.count
    )
    func mutations(seed: Int) throws {
        let directory = try TemporaryDirectory()
        let random = RandomSource(seed: UInt64(seed))
        let marks = Array("\t,;|\"\n\r[]{}\\:0. _x".utf8) + [0xFF, 0xC3, 0x00]
        for round in 0..<400 {
            var bytes = Array(Self.seeds[seed].utf8)
            for _ in 0..<Int(1 + random.next() % 6) where !bytes.isEmpty {
                let place = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 3 {
                case 0: bytes.remove(at: place)
                case 1: bytes.insert(marks[Int(random.next() % UInt64(marks.count))], at: place)
                default: bytes[place] = marks[Int(random.next() % UInt64(marks.count))]
                }
            }
            let file = try directory.write(bytes, to: "data")
            var options = FineTuningData.Options()
            options.devShare = round % 2 == 0 ? nil : 0.3
            options.dropsDuplicates = round % 3 == 0
            options.problem = round % 5 < 3 ? nil : ProblemType.allCases[round % ProblemType.allCases.count]
            let data: FineTuningData
            do throws(CorpusError) {
                data = try FineTuningData(train: file, dev: round % 7 == 0 ? file : nil, options)
            } catch {
                #expect(!"\(error)".isEmpty)
                continue
            }
            let aside = data.isSplit ? data.devCount ?? 0 : 0
            #expect(
                data.trainCount + aside + data.dropped == data.train.count, "\(String(decoding: bytes, as: UTF8.self))")
        }
    }
}
