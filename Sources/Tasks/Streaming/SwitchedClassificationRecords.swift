import JSON

/// Input lines to records, each by the adapter that its line names.
public struct SwitchedClassificationRecords {
    private let classifiers: SwitchedClassifiers
    private let records: [ClassificationRecords]
    private let places: [String: Int]

    /// - Parameters:
    ///   - showsAllScores: adds the scores of all labels.
    ///   - topK: adds the scores of so many labels, the best first.
    public init(_ classifiers: SwitchedClassifiers, showsAllScores: Bool = false, topK: Int? = nil) {
        self.classifiers = classifiers
        records = classifiers.classifiers.map {
            ClassificationRecords($0, showsAllScores: showsAllScores, topK: topK)
        }
        places = Dictionary(uniqueKeysWithValues: zip(classifiers.names, classifiers.names.indices))
    }

    /// Why a line cannot be used.
    ///
    /// - Parameter line: its number from 1.
    public func fault(_ input: InputText, line: Int) -> LineFault? {
        switch input.adapter {
        case nil, .null: .missingAdapter(line: line, known: classifiers.names)
        case .string(let name):
            places[name] == nil ? .unknownAdapter(line: line, name: name, known: classifiers.names) : nil
        default: .wrongType(line: line, member: "adapter")
        }
    }

    /// - Precondition: `fault` found none in the items that can be used.
    public func render(_ items: [RecordStream.Item]) -> [UInt8] {
        let usable = UsableItems(items)
        let choices = usable.inputs.map { input in
            guard let place = input.adapter?.string.flatMap({ places[$0] }) else {
                preconditionFailure("a line without an adapter that is known")
            }
            return place
        }
        let scores = classifiers.scores(of: usable.inputs, by: choices)
        return usable.records { place, writer in
            writer.key("adapter")
            writer.string(classifiers.names[choices[place]])
            records[choices[place]].write(scores[place], to: &writer)
        }
    }
}
