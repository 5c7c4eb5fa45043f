namespace CcExport.Engine;

/// <summary>Every number that the service or the design sets, each with the reason for its value.</summary>
internal static class Limits
{
    /// <summary>Rows of one import request. The service says 40,000, its older pages 39,999 with a heading: the JSON seems to become a table with one.</summary>
    public const int BatchRows = 39_999;

    /// <summary>Bytes of one import request, exclusive. "Under 4 MB"; what is over is dropped without a word, so MB is taken as the smaller 10^6.</summary>
    public const int BatchBytes = 4_000_000;

    /// <summary>Characters (UTF-16 units) of an address.</summary>
    public const int Email = 80;

    /// <summary>Octets of an address's local part (RFC 5321, 4.5.3.1.1).</summary>
    public const int EmailLocalPart = 64;

    /// <summary>Characters of a name, a title, a company, a phone or a short address line.</summary>
    public const int ShortText = 50;

    /// <summary>Characters of a street line or a custom field's value.</summary>
    public const int LongText = 255;

    /// <summary>Custom fields that one import may carry.</summary>
    public const int CustomFields = 25;

    /// <summary>Profiles of one run unless the export says otherwise, as in the product this replaces.</summary>
    public const long Profiles = 1_000_000;

    /// <summary>Days for which runs are kept unless the export says otherwise, and the most it can say.</summary>
    public const int KeepDays = 90, MostKeepDays = 3_650;

    /// <summary>Days for which the former values of a run's contacts are kept, so that it can be undone.</summary>
    public const int UndoDays = 30;

    /// <summary>Calls in any second on one API key.</summary>
    public const int CallsPerSecond = 4;

    /// <summary>Calls in one UTC day on one API key.</summary>
    public const int CallsPerDay = 10_000;

    /// <summary>Calls that a run may need besides its batches: preflight, polls, and a margin.</summary>
    public const int CallsBesideBatches = 12;

    /// <summary>Imports that are on their way at the same time.</summary>
    public const int ConcurrentImports = 4;

    /// <summary>Bytes of one source record. Longer means an unclosed quote or a file of another kind, and memory must stay bounded.</summary>
    public const int RecordBytes = 16 * 1024 * 1024;
}
