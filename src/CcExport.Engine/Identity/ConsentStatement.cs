namespace CcExport.Engine.Identity;

/// <summary>What an administrator reads and accepts before a connection is made.</summary>
internal static class ConsentStatement
{
    /// <summary>Changes whenever the text does: the consent record says which text was accepted.</summary>
    public const string Version = "1";

    public const string Text =
        """
        Data privacy

        Exports over this connection send personal data to Constant Contact, a third party outside your organisation.
        What is sent: the e-mail address of each exported profile, and its name and whatever else an export maps.
        Once there, the data is kept and used under your organisation's own agreement with Constant Contact, and is no
        longer protected by the compliance and residency commitments of the system that it came from.
        CcExport sends it to Constant Contact only, and only when an export that uses this connection runs.
        As the administrator you are responsible for having the right to share this data, for meeting the wishes and
        legal rights of the people concerned, and for who may use the connection. Remove the connection to end the sharing;
        what was already sent stays in Constant Contact until it is deleted there.
        Your consent is recorded with your name, the time, and the version of this text.
        """;
}
