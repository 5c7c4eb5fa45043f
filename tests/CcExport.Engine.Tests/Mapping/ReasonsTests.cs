using System.Reflection;
using CcExport.Engine.Mapping;

namespace CcExport.Engine.Tests.Mapping;

/// <summary>Reasons are what scripts are written against, and what people act on.</summary>
public sealed class ReasonsTests
{
    /// <summary>Ids never change and never go: stored rejections and people's scripts have them. A new one is added here.</summary>
    private static readonly string[] Stable =
    [
        "ActivityFailed", "BatchRefused", "ChangedSince", "Duplicate", "EmailMalformed", "EmailMissing", "EmailNotAscii", "EmailTooLong", "Erased",
        "InDoubt", "JobFailedTwice", "LeftList", "NotEmptied", "NotOnList", "NotRemoved", "NotSent", "OldValues", "RefusedByService",
        "RefusedUnnamed", "RoleAddress", "RowFieldCount", "RowMalformed", "RunStopped", "SuppressionFile", "SuppressionList", "Unaccounted",
        "Unsubscribed", "ValueCut", "ValueLeftOut",
    ];

    [Fact]
    public void The_ids_are_stable()
    {
        string[] ids = [.. typeof(Reasons).GetFields(BindingFlags.Public | BindingFlags.Static).Where(f => f.IsLiteral).Select(f => (string)f.GetRawConstantValue()!).Order(StringComparer.Ordinal)];
        // Verdicts of a batch that are no reason of a profile.
        Assert.Equal(Stable, ids.Except([Reasons.Replaced]));
        Assert.Equal(Stable, Reasons.All);
    }

    [Fact]
    public void Each_has_a_sentence_and_a_remedy()
    {
        foreach (string id in Reasons.All)
        {
            (string sentence, string? remedy) = Reasons.Explain(id);
            Assert.Matches(@"^[A-Z].*[.)]$", sentence);
            Assert.NotEqual(id, sentence);
            Assert.Matches(@"^[A-Z].*\.$", remedy);
        }
    }

    [Fact]
    public void An_id_of_a_later_version_is_shown_as_it_is() => Assert.Equal(("Later", null), Reasons.Explain("Later"));
}
