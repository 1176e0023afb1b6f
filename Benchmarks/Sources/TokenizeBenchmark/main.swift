import Glibc
import SystemPackage
import Tokenizers

// usage: TokenizeBenchmark verify TOKENIZER GOLDEN.jsonl...
let arguments = CommandLine.arguments
guard arguments.count >= 4 else {
    print("usage: TokenizeBenchmark verify TOKENIZER GOLDEN.jsonl...")
    exit(64)
}

func open(_ path: String) throws(TokenizerError) -> Tokenizer {
    let file = FilePath(path)
    return file.extension == nil ? try Tokenizer(directory: file) : try Tokenizer(file: file)
}

func fail(_ error: any Error) -> Never {
    print(error)
    exit(1)
}

let tokenizer: Tokenizer
do { tokenizer = try open(arguments[2]) } catch { fail(error) }
switch arguments[1] {
case "verify":
    for golden in arguments.dropFirst(3) {
        let report: TokenizerVerification.Report
        do { report = try TokenizerVerification(tokenizer).run(FilePath(golden)) } catch { fail(error) }
        print("\(golden): \(report.texts) texts, \(report.tokens) tokens, \(report.differing) texts differ")
        if let first = report.first { print(first) }
    }
default: break
}
