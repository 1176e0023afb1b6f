import FuzzSupport
import Tasks

/// The first byte chooses the format: as it looks, or one that is said.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 0 else { return 0 }
    let choice = unsafe Int(data[0])
    let bytes = unsafe UnsafeBufferPointer(start: data + 1, count: count - 1)
    var columns = LabelledExamples.Columns()
    let names: [String?] = [nil, "tsv", "csv", "jsonl", "json", "fasttext"]
    columns.format = names[choice % names.count].flatMap { CorpusFormat($0, delimiter: nil) }
    if choice & 64 != 0 { columns.hasHeader = choice & 128 != 0 }
    let name = ["examples", "examples.csv"][choice / names.count % 2]
    guard let examples = try? LabelledExamples(unsafe scratchFile(name, bytes), columns: columns) else { return 0 }
    precondition(!examples.examples.isEmpty, "no examples and no error")
    for problem in ProblemType.allCases {
        do throws(CorpusError) {
            let targets = try examples.targets(examples.headLabels(for: problem), for: problem)
            precondition(targets.count == examples.examples.count, "\(targets.count) targets")
        } catch {
            switch error {
            case .emptyLabel, .singleLabel, .noLabels, .notANumber, .wrongValueCount: break
            default: fatalError("an example's own label is not among the labels: \(error)")
            }
        }
    }
    _ = examples.likelyProblem
    return 0
}
