using System.Collections.Frozen;

namespace CcExport.Engine.Mapping;

/// <summary>Stable reason ids: why a profile was not accepted, or what was changed in one that was.</summary>
internal static class Reasons
{
    public const string EmailMissing = nameof(EmailMissing);
    public const string EmailMalformed = nameof(EmailMalformed);
    public const string EmailNotAscii = nameof(EmailNotAscii);
    public const string EmailTooLong = nameof(EmailTooLong);
    public const string RowMalformed = nameof(RowMalformed);
    public const string RowFieldCount = nameof(RowFieldCount);
    public const string Duplicate = nameof(Duplicate);
    public const string ValueCut = nameof(ValueCut);
    public const string ValueLeftOut = nameof(ValueLeftOut);
    public const string RoleAddress = nameof(RoleAddress);
    public const string RefusedByService = nameof(RefusedByService);
    public const string RefusedUnnamed = nameof(RefusedUnnamed);
    public const string BatchRefused = nameof(BatchRefused);
    public const string ActivityFailed = nameof(ActivityFailed);
    public const string Unaccounted = nameof(Unaccounted);
    public const string InDoubt = nameof(InDoubt);
    public const string NotOnList = nameof(NotOnList);
    public const string JobFailedTwice = nameof(JobFailedTwice);
    public const string OldValues = nameof(OldValues);
    public const string NotRemoved = nameof(NotRemoved);
    public const string RunStopped = nameof(RunStopped);
    public const string NotSent = nameof(NotSent);
    /// <summary>Not of a contact: a batch that was sealed anew without some of them.</summary>
    public const string Replaced = nameof(Replaced);
    public const string LeftList = nameof(LeftList);
    public const string Unsubscribed = nameof(Unsubscribed);
    public const string SuppressionList = nameof(SuppressionList);
    public const string SuppressionFile = nameof(SuppressionFile);
    public const string Erased = nameof(Erased);
    public const string ChangedSince = nameof(ChangedSince);
    public const string NotEmptied = nameof(NotEmptied);

    private static readonly FrozenDictionary<string, (string Sentence, string Remedy)> Texts = new Dictionary<string, (string, string)>
    {
        [EmailMissing] = ("The profile has no e-mail address.", "Complete the profile in the source."),
        [EmailMalformed] = ("The e-mail address is not one: it needs a local part, one @ and a full domain, without blanks, commas or brackets.", "Correct the address in the source."),
        [EmailNotAscii] = ("The part before the @ has letters outside ASCII, which Constant Contact does not document as usable.", "Ask the person for another address."),
        [EmailTooLong] = ("The e-mail address is longer than 80 characters (or its part before the @ longer than 64).", "Ask the person for another address."),
        [RowMalformed] = ("The row is not well formed: text stands after a closing quote, or the line is no JSON object.", "Mend the row in the source file."),
        [RowFieldCount] = ("The row has fewer or more fields than the header.", "Mend the row in the source file: often an unquoted delimiter or a line break in a value."),
        [Duplicate] = ("Another profile of this run has the same address and was taken: the first one, or the newest where the export prefers it.", "Merge it in the source with the profile that WinnerKey and WinnerRow name, or ignore it."),
        [ValueCut] = ("The value was longer than the field takes and was cut; the contact was sent.", "Shorten the value in the source."),
        [ValueLeftOut] = ("The value is not one that the field takes and was left out; the contact was sent without it.", "Correct the value in the source."),
        [RoleAddress] = ("The address stands for a role and not for a person (info@, sales@ and the like); the contact was sent.", "Constant Contact's policy forbids role addresses, and some of them it never mails: ask for the person's own address, or take the profile out of the segment."),
        [RefusedByService] = ("Constant Contact refused this contact.", "See what it says; correct the profile and run again."),
        [RefusedUnnamed] = ("Constant Contact refused contacts of this batch without naming which.", "Resume-CcRun -Verify reads the list back and names each that is not there."),
        [BatchRefused] = ("Constant Contact refused this batch as a whole.", "See the run's message; run the export again when its cause is mended."),
        [ActivityFailed] = ("The job for this batch did not complete, and the list could not be read back to see which of its contacts landed.", "Resume-CcRun -Verify tries to read the list back again; a new run of the export is safe too."),
        [Unaccounted] = ("The job completed, but its numbers do not prove the fate of these contacts.", "Resume-CcRun -Verify reads the list back and names each that is not there."),
        [NotSent] = ("The run ended before this batch was sent.", "See the run's message; run the export again when its cause is mended."),
        [InDoubt] = ("The answer to this batch was lost and its job was not found for certain; it was not sent again.", "Resume-CcRun -SendInDoubt sends it: a repeated import changes nothing that is there already. Resume-CcRun -Verify reads the list back first."),
        [LeftList] = ("An earlier run put this contact on the list, and it is not there any more: the person left, or somebody took it off.", "Nothing, as a rule. If the person has agreed to be put back: Invoke-CcExport -IncludeLeavers, or add the contact in Constant Contact."),
        [Unsubscribed] = ("The person has unsubscribed from the account.", "Nothing: only the person can subscribe again."),
        [SuppressionList] = ("The address is on the stored suppression list.", "Remove-CcSuppression takes it off."),
        [SuppressionFile] = ("The address is in a file of -SuppressionPath.", "Take it out of the file, if it should be sent."),
        [Erased] = ("The person's data was removed with Remove-CcContactData, and the address is not sent again.", "Remove-CcSuppression takes it off, if the person has asked for that."),
        [ChangedSince] = ("The contact's values are not those that the undone run sent: somebody has changed them since, or they never got there. It was left as it is.", "Look at the contact in Constant Contact."),
        [NotEmptied] = ("The field was empty before the undone run, and an import cannot empty one: it keeps its value.", "Empty the field in Constant Contact, if that matters."),
        [NotOnList] = ("The list was read back after the run, and this contact is not on it.", "See what the service said of its batch, if anything; correct the profile and run again."),
        [JobFailedTwice] = ("The job for this contact failed or was lost, the one it was sent in once more failed as well, and the list does not have it.", "See what the service says; run the export again later."),
        [OldValues] = ("The job for these contacts did not complete. Their addresses are on the list, but not, or not for certain, with the values that were sent.", "Run the export again."),
        [NotRemoved] = ("Members of the list that the segments no longer have are still on it: Constant Contact did not take them off.", "The next run of the export tries again."),
        [RunStopped] = ("The run was stopped before the job of this batch had ended.", "Run the export again: a repeated import changes nothing that is there already."),
    }.ToFrozenDictionary();

    /// <summary>All ids, in order.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Texts.Keys.Order(StringComparer.Ordinal)];

    /// <summary>What a person is told; of an id of a later version only the id.</summary>
    public static (string Sentence, string? Remedy) Explain(string reason)
        => Texts.TryGetValue(reason, out (string, string) text) ? text : (reason, null);
}
