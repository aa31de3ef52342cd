BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE audit (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	event VARCHAR(40) NOT NULL, 
	actor_id INTEGER, 
	at DATETIME NOT NULL, 
	last_at DATETIME NOT NULL, 
	times INTEGER NOT NULL, 
	network VARCHAR(64) NOT NULL, 
	browser VARCHAR(200) NOT NULL, 
	detail TEXT NOT NULL, 
	chain VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_audit PRIMARY KEY (id), 
	CONSTRAINT fk_audit_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id), 
	CONSTRAINT uq_audit_user_id_number UNIQUE (user_id, number)
);
INSERT INTO "audit" VALUES(1,1,1,'administrator_created',1,'2026-11-22 01:07:38.384574','2026-11-22 01:07:38.384574',1,'-','command line','{"superuser": true}','1aa2d5be31e4e2eb741b4fb15b56ec8989fff5b219f491b19a24c8a6216c7e8e');
INSERT INTO "audit" VALUES(2,2,1,'administrator_created',2,'2026-11-22 01:07:46.476175','2026-11-22 01:07:46.476175',1,'-','command line','{"superuser": false}','a3fc713bd63463e05d512e386244fa8e3b4bca06f7b63ca68bd7af01749b3c81');
INSERT INTO "audit" VALUES(3,3,1,'administrator_created',3,'2026-11-22 01:07:53.838546','2026-11-22 01:07:53.838546',1,'-','command line','{"superuser": false}','7f2259af078452b9f455a999ab773aae69cd4fd7bb77807063e8930518a27859');
INSERT INTO "audit" VALUES(4,4,1,'administrator_created',4,'2026-11-22 01:07:58.609021','2026-11-22 01:07:58.609021',1,'-','command line','{"superuser": false}','e6fd6ba6e3203c6ef346f654919257d2bfb5ee3fe4d4ba99e09ad4edb7ce2a18');
INSERT INTO "audit" VALUES(5,5,1,'administrator_created',5,'2026-11-22 01:08:02.620121','2026-11-22 01:08:02.620121',1,'-','command line','{"superuser": false}','62702bbe4b9b57d287b4c44ff6e6caa939718b7aaf356993d47c976c691f486c');
INSERT INTO "audit" VALUES(6,6,1,'administrator_created',6,'2026-11-22 01:08:07.611152','2026-11-22 01:08:07.611152',1,'-','command line','{"superuser": false}','41ba332d7a98a9a827897475034e20a394c20e6df1426920b398c30a5022967d');
INSERT INTO "audit" VALUES(7,1,2,'signed_in',1,'2026-11-22 01:08:12.975536','2026-11-22 01:08:12.975536',1,'127.0.0.1','Chrome 156, Linux','{}','cdbfdcd971810961f708a0d77374b1fa50d000b6ee9fe3d2dcebe0221f24ca07');
INSERT INTO "audit" VALUES(8,2,2,'signed_in',2,'2026-11-22 01:08:13.096399','2026-11-22 01:08:13.096399',1,'127.0.0.1','Chrome 156, Linux','{}','370aff92bfe0ad6b78c6f23cd18b94a0a902118f595be40719bd148f21cc020e');
INSERT INTO "audit" VALUES(9,3,2,'signed_in',3,'2026-11-22 01:08:13.232627','2026-11-22 01:08:13.232627',1,'127.0.0.1','Chrome 156, Linux','{}','7183db633584603b46c4aa8690ea4c4d28f3e10c97b7a02c2099cf3fb0812581');
INSERT INTO "audit" VALUES(10,5,2,'signed_in',5,'2026-11-22 01:08:13.819956','2026-11-22 01:08:13.819956',1,'127.0.0.1','Chrome 156, Linux','{}','c7ff23849a5a228160088ba4e12204b217ae62a2c724539b57f9c1e4d791c24b');
INSERT INTO "audit" VALUES(11,3,3,'code_requested',3,'2026-11-22 01:08:14.053428','2026-11-22 01:08:14.053428',1,'127.0.0.1','Chrome 156, Linux','{"email": "carol.new@example.com"}','093180506e35b911a46bc5a28beb4255b7266376265b08d2e69735f64f135627');
INSERT INTO "audit" VALUES(12,3,4,'code_wrong',3,'2026-11-22 01:08:19.832794','2026-11-22 01:08:19.832794',1,'127.0.0.1','Chrome 156, Linux','{"email": "carol.new@example.com"}','cb3a57acaf56b48c54eebc443926d775beaddbafea802ea3d00159453a12d40a');
INSERT INTO "audit" VALUES(13,3,5,'email_changed',3,'2026-11-22 01:08:19.870422','2026-11-22 01:08:19.870422',1,'127.0.0.1','Chrome 156, Linux','{"new": "carol.new@example.com", "old": "carol@example.com"}','c4c5fa8bbe623045c4f6703e26121ec4395013b5f037202800daa1f47bf19051');
INSERT INTO "audit" VALUES(14,2,3,'code_requested',2,'2026-11-22 01:08:23.880525','2026-11-22 01:08:23.880525',1,'127.0.0.1','Chrome 156, Linux','{"email": "bob.new@example.com"}','256578089f4860bdbdceab31a1c771a76e59b0b07faf3dd1988ef4293abb0efe');
INSERT INTO "audit" VALUES(15,2,4,'code_wrong',2,'2026-11-22 01:08:28.362407','2026-11-22 01:08:28.362407',1,'127.0.0.1','Chrome 156, Linux','{"email": "bob.new@example.com"}','e802aa904b3dfea5cf567035821e0a65d5cf5e0abf5cf710cf3a8121d81b8357');
INSERT INTO "audit" VALUES(16,1,3,'invitation_sent',1,'2026-11-22 01:08:31.316738','2026-11-22 01:08:31.316738',1,'127.0.0.1','Chrome 156, Linux','{"email": "gus@example.com", "superuser": false}','b5f0efd77c76957546710984583845d7af77bdadbe785a96159187ba9521e4d6');
INSERT INTO "audit" VALUES(17,6,2,'change_started',1,'2026-11-22 01:08:33.169844','2026-11-22 01:08:33.169844',1,'127.0.0.1','Chrome 156, Linux','{"by": "ann", "email": "fay.new@example.com", "reason": "lost her mailbox"}','0e1324d2bb5dac466a6fc81aaf83f804667df8cca9a3d59a401ed93904fee5a3');
INSERT INTO "audit" VALUES(18,5,3,'sign_in_failed',5,'2026-11-22 01:08:33.239618','2026-11-22 01:08:33.360485',3,'127.0.0.1','Chrome 156, Linux','{}','f449ae54d34948e2c4654d8fad78896687bf6f0339ed2842cb1eb7e27306dea0');
INSERT INTO "audit" VALUES(19,5,4,'signed_out',5,'2026-11-22 01:08:33.412813','2026-11-22 01:08:33.412813',1,'127.0.0.1','Chrome 156, Linux','{}','2f135eff9165082d5db5e57788134a2e9d8fb6d4674c0b4f7999660c2b5c7f0d');
CREATE TABLE budget (
	"key" VARCHAR(64) NOT NULL, 
	used INTEGER NOT NULL, 
	used_at DATETIME NOT NULL, 
	resets_at DATETIME NOT NULL, 
	CONSTRAINT pk_budget PRIMARY KEY ("key")
);
INSERT INTO "budget" VALUES('2473c4d9ad1cd8e2779b13295bba09a8487b72b57daf50f3dc21580436ef0fcf',1,'2026-11-22 01:08:13.966421','2026-11-22 02:08:13.966421');
INSERT INTO "budget" VALUES('4d52d9181fbecfde1d766b282dcbaee9baf05cb04ac36c518732dafaf34ff2e5',1,'2026-11-22 01:08:13.966421','2026-11-22 02:08:13.966421');
INSERT INTO "budget" VALUES('dae428aad6b057aa354b438cded2fb1f9f751241e07ea2b6cfd114e1a72a0bbc',2,'2026-11-22 01:08:23.870917','2026-11-22 02:08:13.966421');
INSERT INTO "budget" VALUES('0c938d5a29069cb229fc7ed3880b5c4aef52721bda6d9ead5f72edd3716cde15',2,'2026-11-22 01:08:19.870094','2026-11-23 01:08:19.832009');
INSERT INTO "budget" VALUES('2beefded8416fa255543a5a93bc420c16fa09e175b428f7a8346660d9a1bea66',1,'2026-11-22 01:08:23.870917','2026-11-22 02:08:23.870917');
INSERT INTO "budget" VALUES('f93053a5efb0f6a56d39b909e33035986c106896a08d32b2c8f9bc5ea6a60e46',1,'2026-11-22 01:08:23.870917','2026-11-22 02:08:23.870917');
INSERT INTO "budget" VALUES('82f509c0124e30f87d49ec82f74ebca65a372fb8c5064da17184aab721e675c1',1,'2026-11-22 01:08:28.362014','2026-11-23 01:08:28.362014');
INSERT INTO "budget" VALUES('ae32f60042d346b17fc9d7850f725f342f2030863d1830420e2d8a8541ec0ea2',1,'2026-11-22 01:08:31.297006','2026-11-22 02:08:31.297006');
CREATE TABLE cms_user (
	id INTEGER NOT NULL, 
	username VARCHAR(50) NOT NULL, 
	username_key VARCHAR(100) NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	email_key VARCHAR(254) NOT NULL, 
	email_version INTEGER NOT NULL, 
	password_hash VARCHAR(200) NOT NULL, 
	is_superuser BOOLEAN NOT NULL, 
	is_active BOOLEAN NOT NULL, 
	language VARCHAR(10), 
	mobile VARCHAR(20), 
	staff_number INTEGER, 
	gender VARCHAR(10), 
	city VARCHAR(40), 
	interests JSON NOT NULL, 
	profile_version INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	acted_at DATETIME NOT NULL, 
	frozen_until DATETIME, 
	audit_rows INTEGER NOT NULL, 
	audit_chain VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_cms_user PRIMARY KEY (id), 
	CONSTRAINT uq_cms_user_email_key UNIQUE (email_key), 
	CONSTRAINT uq_cms_user_username_key UNIQUE (username_key)
);
INSERT INTO "cms_user" VALUES(1,'ann','ann','ann@example.com','ann@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$4OcK8SGJI0lVBWvJr02cfw$lWNaA6YZHdAivt+QQEfI8fSukMiaFbq6cu2aYOwg0X8',1,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 01:07:38.343917','2026-11-22 01:08:33.147744',NULL,3,'b5f0efd77c76957546710984583845d7af77bdadbe785a96159187ba9521e4d6');
INSERT INTO "cms_user" VALUES(2,'bob','bob','bob@example.com','bob@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$TCktBXWiixKNQxZqbLCyKg$s0k+ghFw6VY/EWYyk8NEtXvYQxFIa9WJExCoDH0Xj9Q',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 01:07:46.451682','2026-11-22 01:08:28.360882',NULL,4,'e802aa904b3dfea5cf567035821e0a65d5cf5e0abf5cf710cf3a8121d81b8357');
INSERT INTO "cms_user" VALUES(3,'carol','carol','carol.new@example.com','carol.new@example.com',2,'$argon2id$v=19$m=19456,t=2,p=1$nicNOvx61RcxhXsee0CuyA$/9c1dDFSiKxL+J6akcYPMd0MQxFJAC1944pKArNjyVE',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 01:07:53.835410','2026-11-22 01:08:19.869138',NULL,5,'c4c5fa8bbe623045c4f6703e26121ec4395013b5f037202800daa1f47bf19051');
INSERT INTO "cms_user" VALUES(4,'dan','dan','dan@example.com','dan@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$hi54H3q6FtjR8yCi4ldq8g$GsbmltCB8kvHh2I621DF2yqvEbEB+TMq1tLB1LdvtZM',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 01:07:58.602144','2026-11-22 01:07:58.602144',NULL,1,'e6fd6ba6e3203c6ef346f654919257d2bfb5ee3fe4d4ba99e09ad4edb7ce2a18');
INSERT INTO "cms_user" VALUES(5,'eve','eve','eve@example.com','eve@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$dLftxqimFuJ//HrESeRLoA$qXf+dTgslOFESZCr5A/WJOz8F53nUjK6ODSVmL33Ayo',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 01:08:02.605507','2026-11-22 01:08:33.411211',NULL,4,'2f135eff9165082d5db5e57788134a2e9d8fb6d4674c0b4f7999660c2b5c7f0d');
INSERT INTO "cms_user" VALUES(6,'fay','fay','fay@example.com','fay@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$jCoFfXEp6sNMv3+JeGNy8w$e1VJh/DZ30UZDIT4SxjczglfsRLwRGeYlxegLW6CI2c',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 01:08:07.591993','2026-11-22 01:08:33.148414',NULL,2,'0e1324d2bb5dac466a6fc81aaf83f804667df8cca9a3d59a401ed93904fee5a3');
CREATE TABLE email_change (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	session_id INTEGER, 
	mail_id INTEGER, 
	email VARCHAR(254) NOT NULL, 
	email_key VARCHAR(254) NOT NULL, 
	email_version INTEGER NOT NULL, 
	nonce VARCHAR(32) NOT NULL, 
	old_nonce VARCHAR(32), 
	stop_hash VARCHAR(64) NOT NULL, 
	asked_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	tries INTEGER NOT NULL, 
	new_proved BOOLEAN NOT NULL, 
	old_proved BOOLEAN NOT NULL, 
	CONSTRAINT pk_email_change PRIMARY KEY (id), 
	CONSTRAINT fk_email_change_mail_id FOREIGN KEY(mail_id) REFERENCES mail (id) ON DELETE SET NULL, 
	CONSTRAINT fk_email_change_session_id FOREIGN KEY(session_id) REFERENCES login_session (id) ON DELETE CASCADE, 
	CONSTRAINT fk_email_change_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_email_change_stop_hash UNIQUE (stop_hash), 
	CONSTRAINT uq_email_change_user_id UNIQUE (user_id)
);
INSERT INTO "email_change" VALUES(1,2,2,4,'bob.new@example.com','bob.new@example.com',1,'f53ddd5d69c3787d6cc00b178e6f2a4d',NULL,'80c25c32987b5e45eef403f90144855f13ea1de862ec98a6c0be574e6ebb4965','2026-11-22 01:08:23.871257','2026-11-22 01:18:23.871257',1,0,1);
INSERT INTO "email_change" VALUES(2,6,NULL,8,'fay.new@example.com','fay.new@example.com',1,'',NULL,'968ad7df8310749164214abb186630f56eaa7d17fc363b0e69d4f954b0b51997','2026-11-22 01:08:33.149373','2026-11-26 01:08:33.149373',0,0,0);
CREATE TABLE invitation (
	id INTEGER NOT NULL, 
	token_hash VARCHAR(64) NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	email_key VARCHAR(254) NOT NULL, 
	is_superuser BOOLEAN NOT NULL, 
	invited_by INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	CONSTRAINT pk_invitation PRIMARY KEY (id), 
	CONSTRAINT fk_invitation_invited_by FOREIGN KEY(invited_by) REFERENCES cms_user (id), 
	CONSTRAINT uq_invitation_email_key UNIQUE (email_key), 
	CONSTRAINT uq_invitation_token_hash UNIQUE (token_hash)
);
INSERT INTO "invitation" VALUES(1,'50094d8bb020a7406aee8d6dea775c85264565ee4854bfc6a713f2c3a639dc58','gus@example.com','gus@example.com',0,1,'2026-11-22 01:08:31.297140','2026-11-25 01:08:31.297140');
CREATE TABLE link (
	id INTEGER NOT NULL, 
	token_hash VARCHAR(64) NOT NULL, 
	purpose VARCHAR(10) NOT NULL, 
	user_id INTEGER NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	email_key VARCHAR(254) NOT NULL, 
	email_version INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	ended_at DATETIME, 
	CONSTRAINT pk_link PRIMARY KEY (id), 
	CONSTRAINT fk_link_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_link_token_hash UNIQUE (token_hash)
);
INSERT INTO "link" VALUES(1,'c5115989ff70c4939e60ee3c5fed045a65b55b13fdae26b067a7985cf1a6212d','undo',3,'carol@example.com','carol@example.com',2,'2026-11-22 01:08:19.895993','2026-11-29 01:08:19.895993',NULL);
INSERT INTO "link" VALUES(2,'a242205db67e2dfd71bcb3bea9f6e66b49329db336064fd7a537cd527be98d4f','prove',6,'fay.new@example.com','fay.new@example.com',1,'2026-11-22 01:08:33.151410','2026-11-26 01:08:33.151410',NULL);
CREATE TABLE login_session (
	id INTEGER NOT NULL, 
	id_hash VARCHAR(64) NOT NULL, 
	user_id INTEGER NOT NULL, 
	remembered BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	proved_at DATETIME NOT NULL, 
	network VARCHAR(64) NOT NULL, 
	browser VARCHAR(200) NOT NULL, 
	CONSTRAINT pk_login_session PRIMARY KEY (id), 
	CONSTRAINT fk_login_session_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_login_session_id_hash UNIQUE (id_hash)
);
INSERT INTO "login_session" VALUES(1,'a117b149d093acbec0cf427b8a3947c737d619999ab5bf49e3066c02851a6aec',1,0,'2026-11-22 01:08:12.974425','2026-11-22 01:08:12.974425','2026-11-22 01:08:12.974425','127.0.0.1','Chrome 156, Linux');
INSERT INTO "login_session" VALUES(2,'30a94588a2cfffae7a45465565be647d8ba57fd7e00702b4036a2b50507aed5c',2,0,'2026-11-22 01:08:13.096188','2026-11-22 01:08:13.096188','2026-11-22 01:08:13.096188','127.0.0.1','Chrome 156, Linux');
INSERT INTO "login_session" VALUES(3,'d145b403d4a1a9a76356121ea5209a1e74a91ccf4feffbf2e4e694d1aa1ad900',3,0,'2026-11-22 01:08:13.232386','2026-11-22 01:08:13.232386','2026-11-22 01:08:13.232386','127.0.0.1','Chrome 156, Linux');
CREATE TABLE mail (
	id INTEGER NOT NULL, 
	message_id VARCHAR(200) NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	user_id INTEGER, 
	recipient VARCHAR(254) NOT NULL, 
	subject TEXT NOT NULL, 
	body TEXT NOT NULL, 
	html TEXT NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	created_at DATETIME NOT NULL, 
	due_at DATETIME NOT NULL, 
	not_after DATETIME NOT NULL, 
	tries INTEGER NOT NULL, 
	done_at DATETIME, 
	problem VARCHAR(200) NOT NULL, 
	CONSTRAINT pk_mail PRIMARY KEY (id), 
	CONSTRAINT fk_mail_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_mail_message_id UNIQUE (message_id)
);
INSERT INTO "mail" VALUES(1,'<179530969400.16698.6503924631288449637@example.net>','code',3,'carol.new@example.com','','','','sent','2026-11-22 01:08:14.002421','2026-11-22 01:10:47.003301','2026-11-22 01:18:13.972535',1,'2026-11-22 01:08:17.198939','');
INSERT INTO "mail" VALUES(2,'<179530969404.16698.1974379470756970253@example.net>','heads_up',3,'carol@example.com','','','','sent','2026-11-22 01:08:14.040959','2026-11-22 01:10:47.215531','2026-11-22 01:18:14.017756',1,'2026-11-22 01:08:17.397159','');
INSERT INTO "mail" VALUES(3,'<179530969991.16698.9513112575756550920@example.net>','changed',3,'carol@example.com','','','','sent','2026-11-22 01:08:19.910628','2026-11-22 01:10:51.947916','2026-11-25 01:08:19.910628',1,'2026-11-22 01:08:22.099258','');
INSERT INTO "mail" VALUES(4,'<179530970387.16698.1836414010673903234@example.net>','code',2,'bob.new@example.com','','','','sent','2026-11-22 01:08:23.879466','2026-11-22 01:10:56.887046','2026-11-22 01:18:23.871257',1,'2026-11-22 01:08:26.943073','');
INSERT INTO "mail" VALUES(5,'<179530970388.16698.11830188836577337862@example.net>','heads_up',2,'bob@example.com','','','','sent','2026-11-22 01:08:23.880208','2026-11-22 01:10:56.951441','2026-11-22 01:18:23.879781',1,'2026-11-22 01:08:27.006941','');
INSERT INTO "mail" VALUES(6,'<179530971131.16698.10497828080402653919@example.net>','invitation',1,'gus@example.com','','','','sent','2026-11-22 01:08:31.314918','2026-11-22 01:11:02.708228','2026-11-25 01:08:31.297140',1,'2026-11-22 01:08:32.756094','');
INSERT INTO "mail" VALUES(7,'<179530971316.16698.440377244855470407@example.net>','assisted',6,'fay@example.com','','','','sent','2026-11-22 01:08:33.163104','2026-11-22 01:11:04.279378','2026-11-25 01:08:33.163104',1,'2026-11-22 01:08:34.320942','');
INSERT INTO "mail" VALUES(8,'<179530971316.16698.9058836595792276445@example.net>','assisted_proof',6,'fay.new@example.com','请确认您的新邮箱','fay，您好：

另一位管理员为您发起了邮箱修改，新邮箱即此邮箱。请用此链接完成修改：

http://127.0.0.1:32172/cms/resetemail/prove/DrwyP1BsbadZBM4iOcEyarnn_bgquxYrciVMB4kpJ9M/

操作人：ann

如果您不知情，请忽略此邮件，不会有任何改动。
','<!doctype html>
<html lang="zh">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>账号中心</title>
  </head>
  <body style="margin:0;padding:24px 12px;font-family:-apple-system,''Segoe UI'',Roboto,''PingFang SC'',''Microsoft YaHei'',''Noto Sans CJK SC'',sans-serif;font-size:16px;line-height:1.6">
    <div style="max-width:560px;margin:0 auto;padding:24px;border:1px solid #c9cede;border-radius:12px">
      <p style="margin:0 0 20px;padding-bottom:12px;border-bottom:1px solid #c9cede;font-weight:bold">账号中心</p>
      
<p>fay，您好：</p>
<p>另一位管理员为您发起了邮箱修改，新邮箱即此邮箱。请用此链接完成修改：</p>
<p style="word-break:break-all"><a href="http://127.0.0.1:32172/cms/resetemail/prove/DrwyP1BsbadZBM4iOcEyarnn_bgquxYrciVMB4kpJ9M/">http://127.0.0.1:32172/cms/resetemail/prove/DrwyP1BsbadZBM4iOcEyarnn_bgquxYrciVMB4kpJ9M/</a></p>
<p>操作人：ann</p>
<p>如果您不知情，请忽略此邮件，不会有任何改动。</p>

    </div>
  </body>
</html>','queued','2026-11-22 01:08:33.168471','2026-11-23 01:08:33.149373','2026-11-26 01:08:33.149373',0,NULL,'');
INSERT INTO "mail" VALUES(9,'<179530971479.16699.1862158378619164501@example.net>','errand:password_link',NULL,'dan@example.com','','{"where": {"network": "127.0.0.1", "browser": "Chrome 156, Linux", "site": "http://127.0.0.1:32172"}, "language": "zh"}','','queued','2026-11-22 01:08:34.797298','2026-11-22 01:08:34.797298','2026-11-25 01:08:34.797298',0,NULL,'');
CREATE INDEX ix_budget_resets_at ON budget (resets_at);
CREATE INDEX ix_cms_user_created_at ON cms_user (created_at);
CREATE INDEX ix_link_email_key ON link (email_key);
CREATE INDEX ix_link_user_id_purpose ON link (user_id, purpose);
CREATE INDEX ix_login_session_user_id ON login_session (user_id);
CREATE INDEX ix_mail_state_due_at ON mail (state, due_at);
CREATE INDEX ix_mail_user_id ON mail (user_id);
CREATE INDEX ix_email_change_session_id ON email_change (session_id);
COMMIT;
