# Who is never sent, what became of an address, and the removal of a person's data, as a person does it.
BeforeAll {
    . $PSScriptRoot/common.ps1
    Import-Module $Manifest
    $Folder = New-TempFolder
    $Simulator = Start-CcSimulator
    $null = $Simulator | New-CcConnection -AcceptDataPrivacy
    $Csv = Join-Path $Folder 'customers.csv'
    @('CustomerId,EMail,FirstName') + (1..20 | ForEach-Object { "K$_,t$_@example.com,N$_" }) | Set-Content $Csv
    Set-CcExport Trusted -Connection Simulator -ListId $Simulator.ListId -Path $Csv -Map @{ email = 'EMail'; first_name = 'FirstName' }
}

AfterAll {
    Stop-CcSimulator
    Remove-Item $Folder -Recurse -Force
}

Describe 'Suppression' {
    It 'takes addresses from the pipeline and from files, and never shows one' {
        [pscustomobject]@{ Email = 't1@example.com' }, [pscustomobject]@{ Email = 'nobody' } | Add-CcSuppression -Note 'by phone' -WarningVariable said -WarningAction SilentlyContinue
        "$said" | Should -BeLike '1 of what was given is no e-mail address*'
        't2@example.com' | Set-Content (Join-Path $Folder 'a.txt')
        "Email`nt3@example.com" | Set-Content (Join-Path $Folder 'b.txt')
        Add-CcSuppression -Path (Join-Path $Folder '?.txt')
        @(Get-CcSuppression).Count | Should -Be 3
        Get-CcSuppression | Out-String -Width 300 | Should -Not -Match 'example\.com'
        (Get-CcSuppression T1@example.com).Note | Should -Be 'by phone'
        (Get-CcSuppression t9@example.com).IsSuppressed | Should -BeFalse
        (Test-CcExport Trusted).Suppressed | Should -Be 3
    }

    It 'is held out by a run, beside files given to it, and can be taken back' {
        't4@example.com', 't5@example.com' | Set-Content (Join-Path $Folder 'more.txt')
        $run = Invoke-CcExport Trusted -SuppressionPath (Join-Path $Folder 'more*')
        $run.Suppressed, $run.Accepted | Should -Be 5, 15
        (Get-CcRejection $run.Id | Group-Object Reason | Sort-Object Name).Name | Should -Be 'SuppressionFile', 'SuppressionList'
        Remove-CcSuppression t1@example.com
        Remove-CcSuppression t1@example.com -ErrorVariable failed -ErrorAction SilentlyContinue
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'SuppressionNotFound*'
        (Test-CcExport Trusted).Suppressed | Should -Be 2
    }

    It 'ends a run whose file is not there before it begins' {
        $before = @(Get-CcRun).Count
        { Invoke-CcExport Trusted -SuppressionPath (Join-Path $Folder 'gone.txt') -ErrorAction Stop } | Should -Throw -ErrorId 'SuppressionUnreadable*'
        @(Get-CcRun).Count | Should -Be $before
    }
}

Describe 'Trace-CcContact' {
    It 'says what became of an address in each run, and what the account has now' {
        $all = @(Trace-CcContact t6@example.com)
        $all.Count | Should -Be 2
        $all[0].Fate, $all[0].Export, $all[0].Row, $all[0].IsOnList, $all[0].IsAsSent | Should -Be 'Accepted', 'Trusted', 6, $true, $true
        $all[0].Fields['first_name'] | Should -Be 'FirstName'
        $all[1].Connection, $all[1].Exists, $all[1].Memory[0].Export | Should -Be 'Simulator', $true, 'Trusted'
        $all | Out-String -Width 300 | Should -Match '(?s)IsAsSent.*Permission'
        $held = @(Trace-CcContact t2@example.com -Export Trusted)
        $held[0].Reason, $held[1].Exists, $held[1].Suppression.Reason | Should -Be 'SuppressionList', $false, 'SuppressionList'
    }
}

Describe 'Remove-CcContactData' {
    It 'asks, removes, proves, and suppresses' {
        (Get-Command Remove-CcContactData).ImplementingType.GetCustomAttributes([Management.Automation.CmdletAttribute], $false)[0].ConfirmImpact | Should -Be 'High'
        Remove-CcContactData t6@example.com -WhatIf
        @(Trace-CcContact t6@example.com).Count | Should -Be 2
        $proof = Remove-CcContactData t6@example.com -Confirm:$false
        $proof.Removed['Fingerprints'], $proof.Removed['TraceRecords'] | Should -Be 1, 1
        $proof | Out-String -Width 300 | Should -Match '1 Fingerprints'
        @(Get-CcErasure).Count | Should -Be 1
        @(Get-CcErasure t6@example.com).Id | Should -Be $proof.Id
        @(Get-CcErasure t7@example.com) | Should -BeNullOrEmpty
        $left = @(Trace-CcContact t6@example.com)
        $left.Count, $left[0].Suppression.Reason, $left[0].Exists | Should -Be 1, 'Erased', $true
    }

    It 'is taken back only on a word of its own' {
        # At the end of redirected input the console would answer Yes.
        Invoke-Child "Import-Module '$Manifest'; try { Remove-CcSuppression t6@example.com -ErrorAction Stop } catch { `$_.FullyQualifiedErrorId }" | Should -BeLike 'ConfirmationRequired*'
        (Get-CcSuppression t6@example.com).IsSuppressed | Should -BeTrue
        Remove-CcSuppression t6@example.com -Force
        (Get-CcSuppression t6@example.com).IsSuppressed | Should -BeFalse
    }
}
