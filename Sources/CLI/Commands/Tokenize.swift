public import ArgumentParser
import Checkpoints
import FoundationEssentials
import SystemPackage
import Tasks
public import Tokenizers

struct Tokenize: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Turn each input line into tokens or words, check a tokenizer, or train a new one.",
        discussion: """
            Writes one JSON record a line: {"index":0,"ids":[...],"tokens":[...],"offsets":[[0,0],...]}. Special \
            tokens are included; offsets count Unicode scalars of the text. With --json, two texts become one input: \
            {"text":"...","text_pair":"..."}.

            With --verify, replays recorded ids (JSON Lines with "text" and "ids") and names the first text that \
            comes out differently, with the stage and the character. With --train, INPUT is a corpus with one text a \
            line, and MODEL the directory to write.

            With --words, no model is needed: lines are divided into words by Unicode's rules and, in Chinese, \
            Japanese, Thai and their like, by dictionaries: {"index":0,"words":[...],"offsets":[[0,5],...],\
            "scripts":["Latn",...]}.

            Examples:
              graft tokenize all-MiniLM-L6-v2 < lines.txt
              graft tokenize all-MiniLM-L6-v2 --verify golden.jsonl
              graft tokenize new-tokenizer/ corpus.txt --train wordpiece --vocab-size 8000
              graft tokenize --words < lines.txt
            """)

    @Argument(
        help: "A directory, the name of a model in the store, or a tokenizer's file; not given with --words.",
        completion: .file())
    var model: String?

    @OptionGroup var stream: StreamOptions

    @Flag(help: "Divide into words instead of a model's tokens, and tell their scripts.")
    var words = false

    @Flag(help: "Write the ids alone.")
    var idsOnly = false

    @Option(help: "Cut texts after this many tokens (default: never).")
    var maxLength: Int?

    @Option(help: "Replay the records of this file.", completion: .file())
    var verify: String?

    @Option(
        help: """
            Train a vocabulary of this kind: \
            \(VocabularyTrainer.Kind.allCases.map(\.rawValue).joined(separator: ", ")).
            """)
    var train: VocabularyTrainer.Kind?

    @Option(help: "How many tokens the new vocabulary has.")
    var vocabSize: Int?

    @Flag(help: "Keep case and accents in the new vocabulary.")
    var cased = false

    @OptionGroup var threads: ThreadOption

    func validate() throws {
        try checkMaxLength(maxLength)
        if words {
            if verify != nil || train != nil || maxLength != nil || idsOnly || vocabSize != nil || cased {
                throw ValidationError("--words goes with no option but --json and --threads.")
            }
            if stream.input != "-" { throw ValidationError("--words needs no model: give INPUT alone.") }
            return
        }
        if model == nil { throw ValidationError("Name a MODEL; only --words needs none.") }
        if verify != nil || train != nil, maxLength != nil || idsOnly || stream.json {
            throw ValidationError("--max-length, --ids-only and --json go with neither --verify nor --train.")
        }
        if verify != nil, train != nil { throw ValidationError("--verify and --train exclude each other.") }
        guard train != nil else {
            if vocabSize != nil || cased { throw ValidationError("--vocab-size and --cased go with --train.") }
            return
        }
        guard let vocabSize, vocabSize > 0 else {
            throw ValidationError("--train needs --vocab-size, a positive number.")
        }
        if stream.input == "-" { throw ValidationError("--train reads its corpus from a file: name it as INPUT.") }
    }

    func run() throws {
        try reportingFailures {
            guard let model, !words else { return try divideIntoWords() }
            if let train, let vocabSize { return try trainVocabulary(train, vocabSize, model) }
            let tokenizer = try tokenizer(model)
            if let verify { return try report(TokenizerVerification(tokenizer).run(FilePath(verify))) }
            let truncation = maxLength.map { Truncation(maxLength: $0) }
            threads.request()
            try stream.run(TokenRecords(tokenizer, truncation: truncation, showsIDsOnly: idsOnly).render)
        }
    }

    private func divideIntoWords() throws {
        var stream = stream
        stream.input = model ?? "-"
        threads.request()
        try stream.run(acceptsPairs: false, WordRecords(WordSegmenter()).render)
    }

    private func tokenizer(_ model: String) throws -> Tokenizer {
        var isDirectory = false
        if FileManager.default.fileExists(atPath: model, isDirectory: &isDirectory), !isDirectory {
            return try Tokenizer(file: FilePath(model))
        }
        return try Tokenizer(directory: ModelStore().resolve(model).path)
    }

    private func trainVocabulary(_ kind: VocabularyTrainer.Kind, _ size: Int, _ model: String) throws {
        let trainer = VocabularyTrainer(
            kind: kind, vocabularySize: size, lowercase: !cased, threads: threads.threads ?? 1)
        let output = try AtomicDirectory(FilePath(model))
        try trainer.train([FilePath(stream.input)], output: output.temporary)
        try output.commit()
        let tokenizer = try Tokenizer(directory: FilePath(model))
        StandardError.note("\(tokenizer.vocabularySize.counted("token")) in \(model)")
    }

    private func report(_ report: TokenizerVerification.Report) throws {
        guard let first = report.first else {
            try StandardOutput.print(
                "\(report.texts.counted("text")), \(report.tokens.counted("token")): all as recorded")
            return
        }
        try StandardOutput.print("\(report.differing) of \(report.texts) texts differ")
        try StandardOutput.print("line \(first.line): \"\(first.text.printable)\"")
        try StandardOutput.print(
            "  \(first.member), token \(first.token): expected \(first.expected), found \(first.found)".printable)
        try StandardOutput.print("  stage: \(first.stage.rawValue)")
        if let index = first.scalarIndex, let scalar = first.scalar {
            try StandardOutput.print("  at character \(index), U+\(String(scalar, radix: 16, uppercase: true))")
        }
        throw ExitCode.failure
    }
}

extension VocabularyTrainer.Kind: ExpressibleByArgument {}
